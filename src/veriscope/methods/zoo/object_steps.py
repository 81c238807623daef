"""Steps of the format that make objects of what a network says of every pixel.

`stardist_postprocessing` and `cellpose_flow_dynamics` of format 0.5, by the rules of StarDist 0.9 and
Cellpose 3 and without them. StarDist's own export names its thresholds beside the processing, under
``config.stardist``; `stardist_of` makes the same step of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from veriscope.errors import MethodError, PixelValueError
from veriscope.methods.zoo.step import ProcessingStep

if TYPE_CHECKING:
    from veriscope.methods.networks.star_convex import Polygons

__all__ = ["CellposeFlowDynamics", "ObjectStep", "StarDistPostprocessing", "object_step", "stardist_of"]

_SPATIAL = ("z", "y", "x")
_NEAREST = 1e-3
"""Distances below, in pixels, are taken for this, as StarDist does."""
_FARTHEST = 1e6
"""Distances above, which reach beyond any image, are taken for this."""


class ObjectStep(ProcessingStep):
    """A step whose result is a label image with one channel."""

    @property
    def zoom(self) -> Mapping[str, int]:
        """Pixels of the labels for each place of the network's output, by axis; 1 where one is not named."""
        return {}

    def apply(
        self, values: NDArray[Any], axes: Sequence[str], references: Mapping[str, NDArray[Any]]
    ) -> NDArray[Any]:
        """Give labels, int32, with the axes of the network's output and one channel."""
        if "channel" not in axes:
            raise MethodError(f"{self.name}: the output has axes {', '.join(axes)} and no channel")
        if not np.isfinite(values).all():
            raise PixelValueError(
                f"{self.name}: the network gives NaN or infinite values, of which no objects can be made; "
                "its weights are damaged, or the image is unlike any that it was made for"
            )
        channel = list(axes).index("channel")
        spatial = [list(axes).index(name) for name in _SPATIAL if name in axes]
        others = [place for place in range(len(axes)) if place not in (channel, *spatial)]
        moved = np.transpose(values, [*others, channel, *spatial])
        samples = moved.reshape(-1, *moved.shape[len(others) :])
        found = np.stack([self.labels(sample) for sample in samples])
        found = found.reshape(*moved.shape[: len(others)], 1, *found.shape[1:])
        return np.ascontiguousarray(np.transpose(found, np.argsort([*others, channel, *spatial])))

    @property
    def name(self) -> str:
        """Name of the step in the format."""
        return str(getattr(self, "kind", ""))

    def labels(self, values: NDArray[Any]) -> NDArray[np.int32]:
        """Make the objects of one image.

        Parameters
        ----------
        values
            (channel, y, x) or (channel, z, y, x).

        Returns
        -------
        numpy.ndarray
            int32 label image, (y, x) or (z, y, x), in pixels of the image.
        """
        raise NotImplementedError


class StarDistPostprocessing(ObjectStep):
    """Channel 0 is how central a place is, the others are distances to the border along rays."""

    kind: Literal["stardist_postprocessing"] = "stardist_postprocessing"
    """Which step it is."""
    prob_threshold: float
    """Places with a larger value propose an object."""
    nms_threshold: float = Field(ge=0, le=1)
    """Share of the smaller of two objects above which the less probable one goes."""
    grid: tuple[int, ...]
    """Pixels of the image per place of the network's output, (y, x) or (z, y, x)."""
    n_rays: int | None = Field(default=None, ge=3)
    """Number of rays; None: all channels but the first."""
    b: int | tuple[tuple[int, int], ...] = 2
    """Places at the edges that propose nothing."""
    anisotropy: tuple[float, float, float] | None = None
    """Size of a voxel (z, y, x) in any unit, by which the rays of a stack are spread."""
    overlap_label: int | None = None
    """Only None: overlaps go to the more probable object."""
    upsampled: bool = False
    """Whether the network's output was enlarged to the pixels of the image: the grid is taken out of it."""

    @model_validator(mode="after")
    def _checked(self) -> StarDistPostprocessing:
        if len(self.grid) not in (2, 3) or min(self.grid) < 1:
            raise ValueError(f"grid needs two or three whole numbers of at least 1, got {self.grid}")
        if len(self.grid) == 3 and self.anisotropy is None:
            raise ValueError("a stack needs anisotropy, by which its rays are spread")
        if self.overlap_label is not None:
            raise ValueError(f"overlap_label {self.overlap_label} is not done here, only none")
        if not isinstance(self.b, int) and len(self.b) != len(self.grid):
            raise ValueError(f"b needs one pair for each of {len(self.grid)} axes, got {self.b}")
        return self

    @property
    def zoom(self) -> Mapping[str, int]:
        """The grid by axis, unless the network's output has the pixels of the image."""
        return {} if self.upsampled else dict(zip(_SPATIAL[-len(self.grid) :], self.grid, strict=True))

    def labels(self, values: NDArray[Any]) -> NDArray[np.int32]:
        """Choose and draw polygons, or polyhedra in a stack."""
        shape = values.shape[1:]
        if len(shape) != len(self.grid):
            raise MethodError(
                f"{self.kind}: the network gives {len(shape)} spatial axes, and the grid {self.grid} has "
                f"{len(self.grid)}; its card is wrong, ask its authors to correct it"
            )
        if self.upsampled:
            values = values[(slice(None), *(slice(None, None, step) for step in self.grid))]
        else:
            shape = tuple(size * step for size, step in zip(shape, self.grid, strict=True))
        if len(values) != (self.n_rays or max(3, len(values) - 1)) + 1:
            raise MethodError(
                f"{self.kind}: the network gives {len(values)} channels, and a probability and "
                f"{self.n_rays or 'at least 3'} distances are needed"
            )
        probability = self._inner(np.asarray(values[0], np.float32))
        # Half precision does not hold the largest distance, and single precision not all of double.
        wide = values[1:].astype(np.result_type(values.dtype, np.float32), copy=False)
        distances = np.clip(np.moveaxis(wide, 0, -1), _NEAREST, _FARTHEST).astype(np.float32, copy=False)
        return self._draw(probability, distances, shape)

    def _inner(self, probability: NDArray[np.float32]) -> NDArray[np.float32]:
        """Let places at the edges propose nothing."""
        sides = [(self.b, self.b)] * probability.ndim if isinstance(self.b, int) else self.b
        inner = np.full(probability.shape, -np.inf, np.float32)
        keep = tuple(
            slice(low, max(low, size - high))
            for size, (low, high) in zip(probability.shape, sides, strict=True)
        )
        inner[keep] = probability[keep]
        return inner

    def _draw(
        self, probability: NDArray[np.float32], distances: NDArray[np.float32], shape: tuple[int, ...]
    ) -> NDArray[np.int32]:
        from veriscope.methods.networks.star_convex import find_polygons, polygons_to_labels
        from veriscope.methods.networks.star_polyhedra import (
            Sphere,
            find_polyhedra,
            polyhedra_to_labels,
        )

        options: dict[str, Any] = {"threshold": self.prob_threshold, "overlap": self.nms_threshold}
        options |= {"border": 0, "stride": self.grid}
        found: Polygons
        if len(shape) == 2:
            found = find_polygons(probability, distances, **options)
            return polygons_to_labels(found, shape)
        assert self.anisotropy is not None
        sphere = Sphere.spiral(distances.shape[-1], spacing=self.anisotropy)
        found = find_polyhedra(probability, distances, sphere, **options)
        return polyhedra_to_labels(found, sphere, shape)  # type: ignore[arg-type]


class CellposeFlowDynamics(ObjectStep):
    """Channels are five times the flow along y and x, and the logit of being inside."""

    kind: Literal["cellpose_flow_dynamics"] = "cellpose_flow_dynamics"
    """Which step it is."""
    cellprob_threshold: float = 0.0
    """Pixels with a larger logit are followed."""
    flow_threshold: float = Field(default=0.4, ge=0)
    """Objects whose own flow differs more from the network's are dropped; 0: none."""
    do_3D: bool = False
    """Only False: flows of stacks are not followed."""
    min_size: int = Field(default=15, ge=0)
    """Objects with fewer pixels are dropped."""
    output_dtype: Literal["uint16", "uint32"] = "uint16"
    """Type that the authors expect; labels are int32 here."""

    @model_validator(mode="after")
    def _checked(self) -> CellposeFlowDynamics:
        if self.do_3D:
            raise ValueError("do_3D, flows of whole stacks, is not done here")
        return self

    def labels(self, values: NDArray[Any]) -> NDArray[np.int32]:
        """Follow the flow, drop objects that do not fit it, fill holes, drop small ones."""
        from veriscope.methods.networks.cellpose_cleaning import drop_unfit, fill_and_drop
        from veriscope.methods.networks.cellpose_dynamics import cellpose_labels

        if values.ndim != 3 or len(values) != 3:
            raise MethodError(
                f"{self.kind}: flow along y, flow along x and a logit are needed, in two dimensions; the "
                f"network gives {len(values)} channels of {values.ndim - 1} axes"
            )
        flow, logit = np.asarray(values[:2], np.float32), np.asarray(values[2], np.float32)
        labels = cellpose_labels(flow, logit, threshold=self.cellprob_threshold)
        if self.flow_threshold > 0:
            labels = drop_unfit(labels, flow, largest=self.flow_threshold)
        return fill_and_drop(labels, smallest=self.min_size)


def object_step(steps: Sequence[ProcessingStep]) -> ObjectStep | None:
    """Find the step that makes objects.

    Parameters
    ----------
    steps
        Of an output.

    Returns
    -------
    ObjectStep or None
        The first; None: there is none.
    """
    return next((step for step in steps if isinstance(step, ObjectStep)), None)


def stardist_of(config: Mapping[str, Any]) -> StarDistPostprocessing | None:
    """Make the step of what StarDist's own export writes beside the processing.

    Parameters
    ----------
    config
        The part ``config`` of a description.

    Returns
    -------
    StarDistPostprocessing or None
        None: it has no thresholds of StarDist.

    Raises
    ------
    InputError
        If they make no sense.
    """
    about = config.get("stardist")
    limits = about.get("thresholds") if isinstance(about, Mapping) else None
    if not isinstance(about, Mapping) or not isinstance(limits, Mapping):
        return None
    own = about.get("config") or {}
    sides = int(own.get("n_dim") or 2)
    return StarDistPostprocessing.parse(
        {
            "prob_threshold": limits.get("prob"),
            "nms_threshold": limits.get("nms"),
            "grid": tuple(own.get("grid") or [1] * sides),
            "n_rays": own.get("n_rays"),
            "anisotropy": tuple(own.get("anisotropy") or (1.0, 1.0, 1.0)) if sides == 3 else None,
            "upsampled": True,
        },
        where="config.stardist",
    )
