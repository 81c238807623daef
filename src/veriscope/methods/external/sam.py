"""Segment Anything: `sam:MODEL`, its authors' weights or the path of others of the same architecture."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.settings import Settings
from veriscope.errors import InputError, MethodError
from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.external_method import ExternalMethod, ExternalParameters, for_tool
from veriscope.methods.external.model_paths import UNKNOWN_TRAINING, given_path, weights_file

__all__ = ["SAM", "SamMethod", "SamParameters", "sam_card"]

SAM = Recipe(
    tool="sam",
    title="Segment Anything",
    packages=("segment-anything>=1,<2", "numpy<3"),
    main="segment-anything",
    torch=("torch>=2.6,<3", "torchvision>=0.21,<1"),
    size_gb=6.0,
    worker="run_sam.py",
)


class SamParameters(ExternalParameters):
    """Options of the masks of all objects."""

    points_per_side: int = Field(default=32, ge=1)
    """Points asked for along each side; more find smaller objects and take longer."""
    quality: float = Field(default=0.88, ge=0, le=1)
    """Masks whose overlap with an object the network itself predicts to be lower are dropped."""
    stability: float = Field(default=0.95, ge=0, le=1)
    """Masks that change more than this between two thresholds are dropped."""
    overlap: float = Field(default=0.7, ge=0, le=1)
    """Overlap of boxes above which the worse of two masks is dropped."""
    smallest_area: int = Field(default=15, ge=1)
    """Objects with fewer pixels are dropped."""
    largest_share: float = Field(default=0.2, gt=0, le=1)
    """Masks that cover more of the image are taken for background and dropped."""


class SamMethod(ExternalMethod):
    """Weights of Segment Anything.

    Parameters
    ----------
    parameters
        `SamParameters`, or None for the defaults.
    """

    Parameters: ClassVar[type[Settings]] = SamParameters
    recipe: ClassVar[Recipe] = SAM

    @classmethod
    def model_files(cls, environment: Environment) -> list[Path]:
        """Give the weights."""
        return weights_file(cls.name, cls.recipe, cls.model, [environment.weights / cls.model])

    def prompt(
        self,
        image: Image,
        *,
        boxes: NDArray[np.floating] | None = None,
        points: NDArray[np.floating] | None = None,
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Give the mask of each object that a box or a point shows.

        Parameters
        ----------
        image
            As for `predict`.
        boxes
            (n, 4): top, left, bottom, right in pixels.
        points
            (m, 2): y, x in pixels.

        Returns
        -------
        masks, quality
            Boolean (n + m, y, x), boxes first; and the overlap with the object that the network itself
            predicts, float32, not calibrated.

        Raises
        ------
        InputError
            If there is no prompt, or one lies outside the image.
        AxesError, PixelValueError
            As `predict`.
        """
        self.check(image)
        prompts = {
            "boxes": np.asarray(boxes if boxes is not None else np.empty((0, 4)), np.float64),
            "points": np.asarray(points if points is not None else np.empty((0, 2)), np.float64),
        }
        for (name, values), width in zip(prompts.items(), (4, 2), strict=True):
            if values.ndim != 2 or values.shape[1] != width:
                raise InputError(f"{name}: (n, {width}) numbers are expected, got shape {values.shape}")
            limits = np.array(image.shape * (width // 2), float)
            if not ((values >= 0) & (values <= limits)).all():
                raise InputError(f"{name}: some lie outside the image of {image.shape[0]} x {image.shape[1]}")
        if not (prompts["boxes"][:, :2] < prompts["boxes"][:, 2:]).all():
            raise InputError("boxes: some have no area; the order is top, left, bottom, right")
        if not sum(map(len, prompts.values())):
            raise InputError("give boxes or points; for all objects of an image use predict")
        sent = for_tool(image.pixels)
        _, found = self.tool.ask("prompt", {"image": sent, **prompts}, {})
        masks, quality = found.get("masks"), found.get("quality")
        n_prompts = sum(map(len, prompts.values()))
        if (
            masks is None
            or quality is None
            or masks.shape != (n_prompts, *sent.shape)
            or quality.shape != (n_prompts,)
        ):
            raise MethodError(f"{image.name}: {self.name} gave no mask for each of {n_prompts} prompts")
        height, width = image.shape
        return masks[:, :height, :width], quality


def sam_card(model: str) -> Card:
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
        summary="Segment Anything with "
        f"{'the weights ' + Path(model).name if own else 'its model ' + model}: "
        "masks of all objects, or of those that boxes or points show.",
        objects=("cell", "nucleus", "particle"),
        modalities=(),
        training_data=UNKNOWN_TRAINING if own else "SA-1B: photographs, not microscopy",
        licence="Apache-2.0 (program); weights: "
        + ("those of whoever trained them" if own else "Apache-2.0"),
        citation="Kirillov A et al. Segment Anything. ICCV 2023. doi:10.1109/ICCV51070.2023.00371; "
        "for microscopy: "
        "Archit A et al. Segment Anything for Microscopy. Nature Methods 22, 579-591 (2025). "
        "doi:10.1038/s41592-024-02580-4",
        limits=(
            UNTRIED,
            "Whole images at a time, scaled to 1024 pixels: small objects of large images are lost.",
            "Masks may overlap; smaller ones are laid over larger ones, and masks of parts and of "
            "groups stay.",
            "Without a GPU an image takes minutes.",
            "Weights of micro-sam run too; its own decoder for all objects does not.",
        ),
    )
