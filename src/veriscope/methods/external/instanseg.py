"""InstanSeg: `instanseg:MODEL`, where MODEL is one of its authors' or the path of a TorchScript file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.external_method import ExternalMethod, ExternalParameters, for_tool
from veriscope.methods.external.model_paths import UNKNOWN_TRAINING, given_path, needs_download

__all__ = ["INSTANSEG", "InstanSegMethod", "InstanSegParameters", "instanseg_card"]

INSTANSEG = Recipe(
    tool="instanseg",
    title="InstanSeg",
    packages=("instanseg-torch>=0.1,<0.2", "pandas<4", "seaborn<1", "numpy<3"),
    main="instanseg-torch",
    torch=("torch>=2.6,<3",),
    size_gb=1.4,
    worker="run_instanseg.py",
)


class InstanSegParameters(ExternalParameters):
    """Options of InstanSeg."""

    target: Literal["nuclei", "cells"] = "nuclei"
    """What a model that knows both is asked for."""
    pixel_size: float | None = Field(default=None, gt=0)
    """Pixel size in µm; None: that of the image, and where it has none, images are taken as they are."""


class InstanSegMethod(ExternalMethod):
    """A model of InstanSeg.

    Parameters
    ----------
    parameters
        `InstanSegParameters`, or None for the defaults.
    """

    Parameters: ClassVar[type[Settings]] = InstanSegParameters
    recipe: ClassVar[Recipe] = INSTANSEG

    @classmethod
    def model_files(cls, environment: Environment) -> list[Path]:
        """Give the TorchScript file."""
        if path := given_path(cls.model):
            path = path / "instanseg.pt" if path.is_dir() else path
            if not path.is_file():
                raise MethodError(f"{cls.name}: {path} is no file; give the instanseg.pt of a model")
            return [path]
        return needs_download(cls.name, cls.recipe, cls.model, [environment.weights / f"{cls.model}.pt"])

    def _ask(self, image: Image) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        size = self.parameters.pixel_size
        if size is None and image.spacing is not None:
            size = (image.spacing["y"] + image.spacing["x"]) / 2
        options = self.options() | {"pixel_size": size}
        return self.tool.ask("predict", {"image": for_tool(image.pixels)}, options)


def instanseg_card(model: str) -> Card:
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
        summary="InstanSeg with "
        f"{'the weights ' + Path(model).name if own else 'its model ' + model}, run in an "
        "environment of its own.",
        objects=("nucleus", "cell"),
        modalities=("fluorescence",)
        if model.startswith("fluo")
        else ("brightfield",)
        if model.startswith("bright")
        else (),
        training_data=UNKNOWN_TRAINING if own else "the images of its authors (see the publication)",
        licence="Apache-2.0 (program); weights: those of whoever trained them",
        citation="Goldsborough T et al. InstanSeg: an embedding-based instance segmentation "
        "algorithm optimized for "
        "accurate, efficient and portable cell segmentation. arXiv:2408.15954 (2024)",
        limits=(
            UNTRIED,
            "Whole images at a time: it normalises by the percentiles of the image it is given.",
            "Images are brought to the pixel size of the model where both are known; else taken as they are.",
            "Here it takes one channel in two dimensions; models for three channels refuse that.",
            "Its models are TorchScript, which is run outside the sandbox that packages of the zoo run in.",
        ),
    )
