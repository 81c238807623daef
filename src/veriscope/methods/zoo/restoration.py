"""A model package whose answer is an image."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.settings import Settings
from veriscope.core.source import PixelSource, Region, within
from veriscope.errors import MethodError, PixelValueError
from veriscope.methods.dtypes import require_dtype
from veriscope.methods.local_method import Survey
from veriscope.methods.restoration import RestorationMethod
from veriscope.methods.zoo.blend import Halo, cut_image, measure_halo, tile_sizes, weights_along
from veriscope.methods.zoo.choose import choose_engine
from veriscope.methods.zoo.description import ModelDescription, Tensor
from veriscope.methods.zoo.engines import require_room
from veriscope.methods.zoo.frozen import can_freeze, freeze, is_local
from veriscope.methods.zoo.image_tensor import channel_map, to_tensor
from veriscope.methods.zoo.processing import Step, apply_steps
from veriscope.methods.zoo.tiling import AxisCut
from veriscope.methods.zoo.zoo_model import InstalledModel, class_members, describe_package

__all__ = [
    "RestorationSurvey",
    "ZooRestoration",
    "ZooRestorationParameters",
    "gives_images",
    "restoration_class",
]

_WORDS = (
    "restor",
    "denois",
    "noise2",
    "deconvol",
    "deblur",
    "super-resolution",
    "image-to-image",
    "image2image",
    "virtual-stain",
    "in-silico-label",
    "artificial-label",
)
_FIND = ("segment", "detection", "instance")
_TILE = {2: 512, 3: 96}
_BYTES = 600
"""Memory per pixel of a tile, as of other packages."""


class ZooRestorationParameters(Settings):
    """Options of a model package that gives images."""

    output: str | None = None
    """Name of the output tensor to use; None: the first that is an image."""
    channel: str | int | None = None
    """Name or index of the channel of the output; None: the only one."""
    tile: int | None = Field(default=None, ge=16)
    """Longest side of the tiles in pixels; None: 512 in 2D, 96 in 3D."""
    weights: str | None = None
    """Format of the weights to run; None: ONNX, else TorchScript, else a state dict."""


class RestorationSurvey(Survey):
    """What is measured on the whole image."""

    steps: tuple[Step, ...]
    """Preprocessing, with its numbers put in."""
    halos: tuple[tuple[int, int], ...]
    """For each axis the pixels left out at each end of a tile, and half the width of blending."""
    difference: float | None
    """Largest difference of two tiles where both are used; None: there are none to compare."""


def gives_images(description: ModelDescription) -> bool:
    """Tell whether a package says that it turns images into images, rather than finding objects.

    Parameters
    ----------
    description
        Of the package.

    Returns
    -------
    bool
        By its tags.
    """
    tags = [tag.lower().replace("_", "-").replace(" ", "-") for tag in description.tags]
    says = any(word in tag for tag in tags for word in _WORDS)
    return says and not any(word in tag for tag in tags for word in _FIND)


class ZooRestoration(RestorationMethod):
    """A model package that gives an image; `restoration_class` makes the class of one.

    Parameters
    ----------
    parameters
        `ZooRestorationParameters`, or None for the defaults. The weights are loaded with the first image.
    """

    Parameters: ClassVar[type[Settings]] = ZooRestorationParameters
    SurveyType: ClassVar[type[Survey]] = RestorationSurvey
    installed: ClassVar[InstalledModel]

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        self._require_parts()
        self.engine = choose_engine(self.installed, self.parameters.weights)
        self._channel()

    def __reduce__(self) -> Any:
        return _remake, (self.installed, self.parameters)

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every package.
        """
        return super().describe() | describe_package(self.installed, self.engine.weights.name)

    def limit_threads(self, threads: int) -> None:
        """Use no more threads than that."""
        self.engine.threads = threads

    @property
    def _tensor(self) -> Tensor:
        return next(item for item in self.installed.description.inputs if not item.optional)

    @property
    def _output(self) -> Tensor:
        wanted = self.parameters.output
        images = [out for out in self.installed.description.outputs if {"y", "x"} <= set(out.names)]
        for out in images:
            if wanted in (None, out.id):
                return out
        names = ", ".join(out.id for out in images) or "none"
        raise MethodError(f"{self.name}: has no output {wanted!r} that is an image; there are: {names}")

    def _require_parts(self) -> None:
        """Refuse models that change the number of pixels, or whose steps look at the whole image."""
        tensor, out = self._tensor, self._output
        channel = tensor.axis("channel")
        why = ""
        if channel is not None and (len(channel.channels) or channel.size or channel.smallest) > 1:
            why = "takes several channels"
        elif any(axis.ratio != 1 or axis.offset > 0 for axis in out.spatial):
            why = "gives an image with another number of pixels"
        elif not can_freeze(tensor.steps, [axis.name for axis in tensor.spatial]):
            why = "has preprocessing that looks at more than single pixels and the range of the whole image"
        elif not all(is_local(step) for step in out.steps):
            why = "has postprocessing that looks at the whole result"
        elif len(out.spatial) != len(tensor.spatial):
            why = f"gives {len(out.spatial)}D images of {len(tensor.spatial)}D ones"
        if why:
            raise MethodError(
                f"{self.name}: {why}, so it cannot be run tile by tile; run it with bioimageio.core, and "
                "compare the result with veriscope compare"
            )

    def _channel(self) -> int:
        axis = self._output.axis("channel")
        names = () if axis is None else axis.channels or tuple(map(str, range(axis.size or axis.smallest)))
        wanted = self.parameters.channel
        if wanted is None and len(names) > 1:
            raise MethodError(
                f"{self.name}: gives {len(names)} channels ({', '.join(names)}); choose one with "
                "-p channel=NAME"
            )
        if wanted is None or str(wanted) in names:
            return 0 if wanted is None else names.index(str(wanted))
        if str(wanted).isdecimal() and int(wanted) < max(len(names), 1):
            return int(wanted)
        raise MethodError(
            f"{self.name}: has no channel {wanted!r} in its output; there are: {', '.join(names)}"
        )

    def survey(self, source: PixelSource) -> RestorationSurvey:
        """Measure brightness, and how far from its cuts a tile is right."""
        steps = freeze(self._tensor.steps, source)
        found = measure_halo(
            lambda region: self._run(source, steps, region), source.shape, self._tiles(source.shape)
        )
        difference = max(halo.difference for halo in found)
        return RestorationSurvey(
            steps=steps,
            halos=tuple((halo.width, halo.blend) for halo in found),
            difference=None if np.isnan(difference) else difference,
        )

    def details(self, survey: RestorationSurvey) -> dict[str, Any]:
        """Say whether tiles agreed or were blended."""
        blended = any(blend for _, blend in survey.halos)
        return {
            "tiles": "blended" if blended else "agree" if survey.difference is not None else "one",
            "tile_difference": survey.difference,
            "left_out_px": max(width for width, _ in survey.halos),
            "blended_px": 2 * max(blend for _, blend in survey.halos),
        }

    def bytes_at_once(self, shape: tuple[int, ...], survey: RestorationSurvey) -> int:
        """Memory for one tile in the network."""
        return _BYTES * int(np.prod([tile.length for tile in self._tiles(shape)]))

    def regions(self, shape: tuple[int, ...], survey: RestorationSurvey, *, side: int) -> list[Region]:
        """Put whole tiles together."""
        axes = []
        for cut, size in zip(self._cuts(shape, survey), shape, strict=True):
            bounds = [0]
            for tile in cut.tiles:
                end = min(tile.core[1], size)
                if end - bounds[-1] >= side or end == size:
                    bounds.append(end)
            axes.append([slice(a, b) for a, b in itertools.pairwise(bounds) if b > a])
        return list(itertools.product(*axes))

    def restore_region(
        self, source: PixelSource, survey: RestorationSurvey, region: Region
    ) -> NDArray[np.float32]:
        """Run the tiles that matter to a region, and join them."""
        shape = source.shape
        cuts = self._cuts(shape, survey)
        shares = [
            weights_along(cut, size, blend)
            for cut, size, (_, blend) in zip(cuts, shape, survey.halos, strict=True)
        ]
        result = np.zeros([side.stop - side.start for side in region], np.float32)
        for numbers in itertools.product(*(range(len(cut.tiles)) for cut in cuts)):
            known = [_support(share[n], side) for share, n, side in zip(shares, numbers, region, strict=True)]
            if any(side.stop <= side.start for side in known):
                continue
            tile = tuple(
                slice(cut.tiles[n].start, cut.tiles[n].start + cut.length)
                for cut, n in zip(cuts, numbers, strict=True)
            )
            values = self._run(source, survey.steps, tile)
            here = tuple(
                slice(k.start - max(t.start, 0), k.stop - max(t.start, 0))
                for k, t in zip(known, tile, strict=True)
            )
            weight = np.float32(1)
            for share, n, side in zip(shares, numbers, known, strict=True):
                weight = np.multiply.outer(weight, share[n][side])
            result[within(tuple(known), region)] += weight * values[here]
        return result

    def _tiles(self, shape: tuple[int, ...]) -> Any:
        spatial = self._tensor.spatial
        outs = [[found] if (found := self._output.axis(axis.name)) else [] for axis in spatial]
        limit = int(self.parameters.tile or _TILE[len(spatial)])
        tiles = tile_sizes(shape, spatial, outs, limit=limit)
        require_room([tile.length for tile in tiles], name=self.name)
        return tiles

    def _cuts(self, shape: tuple[int, ...], survey: RestorationSurvey) -> tuple[AxisCut, ...]:
        halos = [Halo(width, blend, 0.0) for width, blend in survey.halos]
        return cut_image(shape, self._tiles(shape), self._tensor.spatial, halos)

    def _run(self, source: PixelSource, steps: tuple[Step, ...], tile: Region) -> NDArray[np.float32]:
        """Run one tile; what it gives for the pixels of the image, from its first one on."""
        tensor, out = self._tensor, self._output
        inside = tuple(
            slice(max(t.start, 0), min(t.stop, n)) for t, n in zip(tile, source.shape, strict=True)
        )
        widths = [(i.start - t.start, t.stop - i.stop) for i, t in zip(inside, tile, strict=True)]
        read = source.read(inside)
        require_dtype(Image(read, source.axes, name=source.name), tensor.dtype, self.name)
        pixels = np.pad(read, widths, mode="symmetric")
        raw = to_tensor(Image(pixels, source.axes, name=source.name), tensor)
        found = self.engine.run(apply_steps(steps, raw, tensor.names, {tensor.id: raw}))
        index = [item.id for item in self.installed.description.outputs].index(out.id)
        done = apply_steps(out.steps, found[index], out.names, {tensor.id: raw})
        values = np.asarray(channel_map(done, out, self._channel()), np.float32)
        if not np.isfinite(values).all():
            raise PixelValueError(f"{source.name}: {self.name} gives NaN or infinite values for it")
        whole = np.zeros([side.stop - side.start for side in tile], np.float32)
        lost = [(size - given) // 2 for size, given in zip(whole.shape, values.shape, strict=True)]
        whole[tuple(slice(less, less + n) for less, n in zip(lost, values.shape, strict=True))] = values
        return whole[within(inside, tile)]


def restoration_class(installed: InstalledModel) -> type[ZooRestoration]:
    """Make the method of a package that gives images.

    Parameters
    ----------
    installed
        The package.

    Returns
    -------
    type
        A subclass of `ZooRestoration` with name, version and card of the package.

    Raises
    ------
    MethodError
        If the package does not take one image.
    """
    return type("ZooRestoration", (ZooRestoration,), class_members(installed))


def _remake(installed: InstalledModel, parameters: Settings) -> ZooRestoration:
    return restoration_class(installed)(parameters)


def _support(share: NDArray[np.float32], side: slice) -> slice:
    """Part of a region along an axis to which a tile contributes."""
    places = np.flatnonzero(share[side])
    if not len(places):
        return slice(side.start, side.start)
    return slice(side.start + int(places[0]), side.start + int(places[-1]) + 1)
