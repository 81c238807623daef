"""Cellpose 3: `cellpose:MODEL`, where MODEL is one of its authors' or the path of one that was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.settings import Settings
from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.external_method import ExternalMethod, ExternalParameters, for_tool
from veriscope.methods.external.model_paths import UNKNOWN_TRAINING, given_path, weights_file

__all__ = ["CELLPOSE", "CellposeMethod", "CellposeParameters", "CellposeTool", "cellpose_card"]

CELLPOSE = Recipe(
    tool="cellpose",
    title="Cellpose 3",
    packages=("cellpose>=3.1,<4", "numpy<2.1", "scipy<2"),
    main="cellpose",
    torch=("torch>=2.6,<3",),
    size_gb=1.6,
    worker="run_cellpose.py",
    variables=(("CELLPOSE_LOCAL_MODELS_PATH", "{weights}"),),
)
_VERSIONED = ("cyto", "cyto2", "nuclei")
_SIZES = {
    "cyto": "size_cytotorch_0.npy",
    "cyto2": "size_cyto2torch_0.npy",
    "cyto3": "size_cyto3.npy",
    "nuclei": "size_nucleitorch_0.npy",
}


class CellposeParameters(ExternalParameters):
    """Options of Cellpose 3."""

    diameter: float | None = Field(default=None, gt=0)
    """Typical object diameter in pixels; None: estimated by its models cyto, cyto2, cyto3 and nuclei, else
    that of the training images."""
    flow_threshold: float = Field(default=0.4, ge=0)
    """Largest error of the flow of an object; 0: keep all."""
    cellprob_threshold: float = 0.0
    """Pixels above belong to objects; lower finds more and larger ones."""
    smallest_area: int = Field(default=15, ge=1)
    """Objects with fewer pixels are dropped."""
    iterations: int | None = Field(default=None, ge=1)
    """Steps of following the flow; None: in proportion to the diameter."""
    augment: bool = False
    """Average over overlapping flipped tiles: four times slower."""
    do_3D: bool = True
    """Stacks: follow the flow through space, from all three sides; false: slice by slice, then join objects
    of neighbouring slices that overlap."""
    stitch_threshold: float = Field(default=0.25, gt=0, le=1)
    """Stacks, slice by slice: IoU from which objects of neighbouring slices are one."""
    anisotropy: float | None = Field(default=None, gt=0)
    """Stacks: distance of slices in sides of a pixel; None: by the voxel size, 1 where none is stated."""


class CellposeTool(ExternalMethod):
    """What the versions of Cellpose have in common: options, and how stacks are seen.

    Parameters
    ----------
    parameters
        `CellposeParameters`, or None for the defaults.
    """

    Parameters: ClassVar[type[Settings]] = CellposeParameters

    def _ask(self, image: Image) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        stack = self._stack(image)
        given = {"image": for_tool(image.pixels)}
        values, arrays = self.tool.ask("predict", given, self.options() | {"stack": stack})
        return values | stack, arrays

    def _stack(self, image: Image) -> dict[str, Any]:
        """Give the options of Cellpose for a stack; none for an image."""
        if "z" not in image.axes:
            return {}
        own = self.parameters
        if not own.do_3D:
            return {"do_3D": False, "stitch_threshold": own.stitch_threshold}
        known = image.spacing or {}
        by_voxel = known["z"] / known["y"] if {"z", "y"} <= set(known) else 1.0
        return {"do_3D": True, "anisotropy": own.anisotropy or by_voxel}


class CellposeMethod(CellposeTool):
    """A model of Cellpose 3.

    Parameters
    ----------
    parameters
        `CellposeParameters`, or None for the defaults.
    """

    recipe: ClassVar[Recipe] = CELLPOSE

    @classmethod
    def model_files(cls, environment: Environment) -> list[Path]:
        """Give the weights, and what estimates the size where there is such a file."""
        file = f"{cls.model}torch_0" if cls.model in _VERSIONED else cls.model
        names = [file, *([_SIZES[cls.model]] if cls.model in _SIZES else [])]
        return weights_file(cls.name, cls.recipe, cls.model, [environment.weights / name for name in names])


def cellpose_card(model: str) -> Card:
    """Make the card of a model.

    Parameters
    ----------
    model
        Name or path.

    Returns
    -------
    Card
        What is known of it.
    """
    own = given_path(model) is not None
    return Card(
        summary=f"Cellpose 3 with {'the weights ' + Path(model).name if own else 'its model ' + model}, "
        "run in an environment of its own.",
        objects=("nucleus",) if model == "nuclei" else ("cell", "nucleus"),
        modalities=(),
        dimensions=(2, 3),
        training_data=UNKNOWN_TRAINING if own else "the images of its authors (see the publication)",
        licence="BSD-3-Clause (program); weights: "
        + ("those of whoever trained them" if own else "see www.cellpose.org"),
        citation="Stringer C, Pachitariu M. Cellpose3: one-click image restoration for improved cellular "
        "segmentation. Nature Methods 22, 592-599 (2025). doi:10.1038/s41592-025-02595-5",
        limits=(
            UNTRIED,
            "Whole images at a time: it normalises by the percentiles of the image it is given, so an image "
            "predicted in pieces gives other objects, and an image must fit in memory.",
            "Here it takes one channel; the original also takes a nuclear channel.",
            "Stacks without a voxel size are taken to have slices as far apart as pixels (-p anisotropy=2 "
            "says otherwise), and the diameter is not estimated in them.",
            "Objects far from the stated diameter are missed or cut; with weights of your own the diameter "
            "is that of their training images unless you give one.",
        ),
    )
