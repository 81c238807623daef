"""StarDist: `stardist:MODEL`, where MODEL is one of its authors' or the folder of one that was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.external_method import ExternalMethod, ExternalParameters
from veriscope.methods.external.model_paths import UNKNOWN_TRAINING, given_path, needs_download

__all__ = ["STARDIST", "StarDistMethod", "StarDistParameters", "stardist_card"]

STARDIST = Recipe(
    tool="stardist",
    title="StarDist",
    packages=(
        "stardist>=0.9.1,<0.10",
        "csbdeep>=0.8,<0.9",
        "tensorflow-cpu>=2.16,<3; sys_platform == 'linux'",
        "tensorflow>=2.16,<3; sys_platform != 'linux'",
    ),
    main="stardist",
    size_gb=2.1,
    worker="run_stardist.py",
    variables=(
        ("KERAS_HOME", "{weights}/keras"),
        ("CUDA_VISIBLE_DEVICES", ""),
        ("TF_CPP_MIN_LOG_LEVEL", "2"),
    ),
)


class StarDistParameters(ExternalParameters):
    """Options of StarDist."""

    prob_thresh: float | None = Field(default=None, gt=0, lt=1)
    """Objects less probable are dropped; None: the one chosen in training."""
    nms_thresh: float | None = Field(default=None, gt=0, lt=1)
    """Overlap above which the less probable of two objects is dropped; None: the one chosen in training."""
    scale: float | None = Field(default=None, gt=0)
    """Factor by which images are enlarged before prediction; None: 1."""
    low: float = Field(default=1.0, ge=0, lt=100)
    """Percentile that becomes 0."""
    high: float = Field(default=99.8, gt=0, le=100)
    """Percentile that becomes 1."""


class StarDistMethod(ExternalMethod):
    """A model of StarDist.

    Parameters
    ----------
    parameters
        `StarDistParameters`, or None for the defaults.
    """

    Parameters: ClassVar[type[Settings]] = StarDistParameters
    recipe: ClassVar[Recipe] = STARDIST

    def options(self) -> dict[str, Any]:
        """Give what the worker is told with every image."""
        return super().options() | {"dimensions": self.card.dimensions[0]}

    @classmethod
    def model_files(cls, environment: Environment) -> list[Path]:
        """Give the folder of the model."""
        folder = given_path(cls.model)
        if folder is None:
            (folder,) = needs_download(cls.name, cls.recipe, cls.model, [environment.weights / cls.model])
        _config(folder, cls.name)
        if not list(folder.glob("weights_*.h5")):
            raise MethodError(f"{cls.name}: {folder} has no weights_best.h5 nor another weights_*.h5")
        return [folder]


def _config(folder: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MethodError(
            f"{name}: {folder} is no model of StarDist, which is a folder with config.json and "
            "weights_best.h5: "
            f"{error}"
        ) from error
    if not isinstance(found, dict) or found.get("n_dim") not in (2, 3) or found.get("n_channel_in") != 1:
        raise MethodError(
            f"{name}: {folder}: Veriscope runs models for one channel in two or three dimensions, and "
            "this one "
            f"is for {found.get('n_channel_in')} channel(s) in {found.get('n_dim')}"
            if isinstance(found, dict)
            else f"{name}: {folder}/config.json is damaged"
        )
    return found


def stardist_card(model: str) -> Card:
    """Make the card of a model.

    Parameters
    ----------
    model
        Name or path of the folder.

    Returns
    -------
    Card
        What is known of it; for a path its ``config.json`` is read.

    Raises
    ------
    MethodError
        If the folder is no model.
    """
    path = given_path(model)
    dimensions = 3 if model.startswith("3D") else 2
    if path is not None:
        dimensions = int(_config(path, f"stardist:{model}")["n_dim"])
    return Card(
        summary=f"StarDist with {'the weights ' + path.name if path else 'its model ' + model}, run in an "
        "environment of its own.",
        objects=("nucleus", "cell"),
        modalities=("fluorescence",) if "fluo" in model or "dsb" in model else (),
        dimensions=(dimensions,),
        training_data=UNKNOWN_TRAINING if path else "the images of its authors (see the publication)",
        licence="BSD-3-Clause (program); weights: "
        + ("those of whoever trained them" if path else "see github.com/stardist/stardist-models"),
        citation="Schmidt U, Weigert M, Broaddus C, Myers G. Cell detection with star-convex "
        "polygons. MICCAI 2018. "
        "doi:10.1007/978-3-030-00934-2_30",
        limits=(
            UNTRIED,
            "Whole images at a time: it normalises by the percentiles of the image it is given, so an image "
            "predicted in pieces gives other objects, and an image must fit in memory.",
            "Objects are star-convex; branched or strongly curved ones are cut or rounded.",
            "Objects larger than its field of view (some 90 pixels with the usual network) come out wrong.",
        ),
    )
