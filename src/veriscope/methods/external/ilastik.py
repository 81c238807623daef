"""ilastik projects: `ilastik:PATH.ilp`, applied by the ilastik program without its window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.labels import check_labels
from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.external.environment import Recipe
from veriscope.methods.external.external_method import ExternalParameters
from veriscope.methods.external.program import ProgramMethod
from veriscope.methods.zoo.instances import objects_from_maps

__all__ = ["ILASTIK", "IlastikMethod", "IlastikParameters", "ilastik_card"]

ILASTIK = Recipe(
    tool="ilastik",
    title="ilastik",
    program=("run_ilastik.sh", "ilastik", "ilastik.exe", "ilastik.bat"),
    attempt=("--headless", "--help"),
)


class IlastikParameters(ExternalParameters):
    """Options of ilastik projects."""

    export: Literal["Probabilities", "Simple Segmentation", "Object Identities"] = "Probabilities"
    """What the project gives, in the words of its export page."""
    foreground: int = Field(default=1, ge=1)
    """Number of the label class of the objects, as in the project, from 1."""
    boundary: int | None = Field(default=None, ge=1)
    """Number of the label class of the boundaries between objects; None: there is none."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability above which a pixel belongs to an object."""
    split: bool = True
    """Split touching objects; otherwise every connected part is one object."""
    diameter: float | None = Field(default=None, gt=1)
    """Typical object diameter in pixels, for the split without boundaries; None: estimated."""
    smallest_area: int = Field(default=10, ge=1)
    """Objects with fewer pixels (voxels) are dropped."""


class IlastikMethod(ProgramMethod):
    """A project of ilastik: pixel classification, or object classification with segmentation in it.

    Parameters
    ----------
    parameters
        `IlastikParameters`, or None for the defaults.
    """

    Parameters: ClassVar[type[Settings]] = IlastikParameters
    recipe: ClassVar[Recipe] = ILASTIK
    suffixes: ClassVar[tuple[str, ...]] = (".ilp",)

    def command(self, folder: Path, image: Image) -> list[str]:
        """Write the image, and say how ilastik is called."""
        np.save(folder / "image.npy", np.ascontiguousarray(image.pixels))
        return [
            "--headless",
            "--readonly",
            f"--project={self.files[0]}",
            f"--export_source={self.parameters.export}",
            "--output_format=numpy",
            f"--output_filename_format={folder / 'result.npy'}",
            f"--output_axis_order={image.axes}c",
            f"--input_axes={image.axes}",
            f"--raw_data={folder / 'image.npy'}",
        ]

    def is_complete(self, folder: Path) -> bool:
        """Tell whether the result is there, once ilastik has ended."""
        return (folder / "result.npy").exists()

    def result(self, folder: Path, image: Image) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Read the result and find objects in it."""
        try:
            values = np.load(folder / "result.npy", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise MethodError(
                f"{image.name}: {self.name}: ilastik saved a result that cannot be read ({error}); is the "
                "disk of temporary files full?"
            ) from error
        if values.ndim == 0 or values.shape[:-1] != image.shape or not values.shape[-1]:
            raise MethodError(
                f"{image.name}: {self.name}: ilastik gave an array of shape {values.shape} for {image.shape}"
            )
        options = self.parameters
        if options.export == "Object Identities":
            return {}, {"labels": check_labels(values[..., 0], where=image.name).astype(np.int64)}
        if options.export == "Simple Segmentation":
            foreground = (values[..., 0] == options.foreground).astype(np.float32)
            boundary = (values[..., 0] == options.boundary).astype(np.float32) if options.boundary else None
        else:
            maps = self._scaled(values)
            foreground = self._map(maps, options.foreground)
            boundary = self._map(maps, options.boundary) if options.boundary else None
        labels, details = objects_from_maps(
            foreground,
            boundary,
            threshold=options.threshold,
            diameter=options.diameter,
            smallest_area=options.smallest_area,
            split=options.split,
        )
        return details, {"labels": labels}

    def _scaled(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Bring probabilities, which a project may export as integers, to 0 to 1."""
        top = float(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else 1.0
        return (values / top).astype(np.float32)

    def _map(self, maps: NDArray[np.float32], number: int) -> NDArray[np.float32]:
        if number > maps.shape[-1]:
            raise MethodError(
                f"{self.name}: has {maps.shape[-1]} label classes and class {number} was asked for; "
                "choose with "
                "-p foreground=N and -p boundary=N"
            )
        return np.ascontiguousarray(maps[..., number - 1])


def ilastik_card(model: str) -> Card:
    """Make the card of a project.

    Parameters
    ----------
    model
        Path of the project.

    Returns
    -------
    Card
        What is known of it.
    """
    return Card(
        summary=f"ilastik project {Path(model).name}, applied by the ilastik program without its window.",
        objects=("nucleus", "cell", "particle"),
        modalities=(),
        dimensions=(2, 3),
        training_data="the annotations in the project; not known to Veriscope",
        licence="GPL (program); the project: of whoever made it",
        citation="Berg S et al. ilastik: interactive machine learning for (bio)image analysis. "
        "Nature Methods 16, "
        "1226-1232 (2019). doi:10.1038/s41592-019-0582-9",
        limits=(
            UNTRIED,
            "Whole images at a time: ilastik starts anew for each image, which takes some seconds.",
            "Label class 1 is taken for the objects unless -p foreground=N says otherwise.",
            "A project may hold Python objects that ilastik loads: use projects only of people you trust.",
        ),
    )
