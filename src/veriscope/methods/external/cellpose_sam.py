"""Cellpose 4: `cellpose-sam:MODEL`, where MODEL is one of its authors' or the path of weights."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.external.cellpose import CellposeTool
from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.model_paths import UNKNOWN_TRAINING, given_path, weights_file

__all__ = ["CELLPOSE_SAM", "CellposeSamMethod", "cellpose_sam_card"]

CELLPOSE_SAM = Recipe(
    tool="cellpose-sam",
    title="Cellpose 4 (Cellpose-SAM)",
    packages=("cellpose>=4.0.6,<5", "numpy<3"),
    main="cellpose",
    torch=("torch>=2.6,<3", "torchvision>=0.21,<1"),
    size_gb=6.0,
    worker="run_cellpose_sam.py",
    variables=(("CELLPOSE_LOCAL_MODELS_PATH", "{weights}"),),
)


class CellposeSamMethod(CellposeTool):
    """A model of Cellpose 4.

    Parameters
    ----------
    parameters
        `CellposeParameters`, or None for the defaults; without a diameter images are taken as they are.
    """

    recipe: ClassVar[Recipe] = CELLPOSE_SAM

    @classmethod
    def model_files(cls, environment: Environment) -> list[Path]:
        """Give the weights."""
        return weights_file(cls.name, cls.recipe, cls.model, [environment.weights / cls.model])


def cellpose_sam_card(model: str) -> Card:
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
        summary="Cellpose 4 with "
        f"{'the weights ' + Path(model).name if own else 'its model ' + model}, run in "
        "an environment of its own.",
        objects=("cell", "nucleus"),
        modalities=(),
        dimensions=(2, 3),
        training_data=UNKNOWN_TRAINING if own else "the images of its authors (see the publication)",
        licence="BSD-3-Clause (program); weights: "
        + ("those of whoever trained them" if own else "CC-BY-NC, as their authors state"),
        citation="Pachitariu M, Rariden M, Stringer C. Cellpose-SAM: superhuman generalization for cellular "
        "segmentation. bioRxiv (2025). doi:10.1101/2025.04.28.651001",
        limits=(
            UNTRIED,
            "Whole images at a time: it normalises by the percentiles of the image it is given.",
            "A network of 300 million weights: without a GPU an image of 512 x 512 pixels takes a minute.",
            "Here it takes one channel; the original also takes three.",
            "Stacks without a voxel size are taken to have slices as far apart as pixels (-p anisotropy=2 "
            "says otherwise).",
        ),
    )
