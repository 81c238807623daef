"""Train a tool of others by its own means, in its own environment, for comparisons on equal terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.labels import check_same_shape
from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.io.atomic import atomic_path, write_json
from veriscope.methods.external.environment import need_environment
from veriscope.methods.external.find import recipe_of
from veriscope.methods.external.process import Limits, ToolProcess

__all__ = ["CellposeTraining", "ExternalTraining", "StarDistTraining", "options_of", "train_external"]

TRAINING_SCHEMA = "veriscope/external-training/1"


class ExternalTraining(Settings):
    """Options that all tools share."""

    epochs: int = Field(default=100, ge=1)
    """Passes over the training images, or where a tool draws patches, groups of steps."""
    batch_size: int = Field(default=8, ge=1)
    """Images or patches of one step."""
    seed: int = Field(default=0, ge=0)
    """Of all that is drawn."""
    threads: int = Field(default=0, ge=0)
    """Threads of the tool; 0: its own choice."""
    timeout: float = Field(default=24 * 3600.0, gt=0)
    """Seconds after which it is stopped and nothing is kept."""


class CellposeTraining(ExternalTraining):
    """Options of Cellpose 3; the defaults are those of its documentation."""

    learning_rate: float = Field(default=0.1, gt=0)
    """Of stochastic gradient descent."""
    images_per_epoch: int | None = Field(default=None, ge=1)
    """Images of one epoch; None: all, and at least 8."""
    start: str | None = None
    """Path of weights to begin with; None: from scratch."""


class StarDistTraining(ExternalTraining):
    """Options of StarDist in two dimensions; the defaults are those of its documentation."""

    epochs: int = Field(default=400, ge=1)
    """Groups of steps; the rate is lowered and the best kept by the loss on the validation images."""
    steps_per_epoch: int = Field(default=100, ge=1)
    """Steps of a group."""
    batch_size: int = Field(default=4, ge=1)
    """Patches of one step."""
    learning_rate: float = Field(default=3e-4, gt=0)
    """At the beginning."""
    patch: int = Field(default=256, ge=32)
    """Side of the patches in pixels; a multiple of 8 times `grid`."""
    rays: int = Field(default=32, ge=3)
    """Directions in which distances are predicted."""
    grid: Literal[1, 2, 4] = 2
    """Pixels per position at which an object is predicted."""
    seconds: float | None = Field(default=None, gt=0)
    """Ends after the epoch in which this time is over; None: after all epochs."""


_OPTIONS: dict[str, type[ExternalTraining]] = {"cellpose": CellposeTraining, "stardist": StarDistTraining}


def options_of(tool: str) -> type[ExternalTraining]:
    """Give the options of a tool's training.

    Parameters
    ----------
    tool
        Its name.

    Returns
    -------
    type
        A subclass of `ExternalTraining`.

    Raises
    ------
    MethodError
        If it cannot be trained here.
    """
    if tool not in _OPTIONS:
        raise MethodError(f"{tool} cannot be trained here; {' and '.join(_OPTIONS)} can")
    return _OPTIONS[tool]


def train_external(
    tool: str,
    images: Sequence[NDArray[Any]],
    labels: Sequence[NDArray[Any]],
    output: str | Path,
    *,
    validation: tuple[Sequence[NDArray[Any]], Sequence[NDArray[Any]]] = ((), ()),
    options: ExternalTraining | None = None,
) -> dict[str, Any]:
    """Train a model of a tool with the tool's own training.

    Parameters
    ----------
    tool
        ``cellpose`` or ``stardist``; it must be installed.
    images
        One channel each, (y, x), any numeric dtype.
    labels
        Label image of each.
    output
        File (Cellpose) or folder (StarDist) of the model; replaced if it exists.
    validation
        Images and labels that are not trained on, by which StarDist chooses its weights and thresholds (at
        least one) and Cellpose only reports.
    options
        `CellposeTraining` or `StarDistTraining`; None: the defaults of the tool.

    Returns
    -------
    dict
        ``schema``, ``tool``, ``version``, ``method`` (under which it predicts), ``options``, ``losses``,
        and what else the tool says.

    Raises
    ------
    MethodError
        If the tool is not installed, cannot be trained here, has nothing to train on, or fails. Nothing
        is kept.
    ShapeMismatchError
        If labels do not fit their image.
    """
    wanted = options_of(tool)
    chosen = options or wanted()
    if not isinstance(chosen, wanted):
        raise MethodError(f"{tool} takes {wanted.__name__}, not {type(chosen).__name__}")
    arrays = _arrays(tool, images, labels, "") | _arrays(tool, *validation, "validation_")
    if not images or (tool == "stardist" and not validation[0]):
        raise MethodError(
            f"{tool}: {len(images)} images to train on and {len(validation[0])} to validate with; at "
            "least one "
            "of each is needed"
        )
    recipe = recipe_of(tool)
    environment = need_environment(recipe, tool)
    target = Path(output).absolute()
    with atomic_path(target) as temporary:
        temporary.mkdir()
        process = ToolProcess(
            tool,
            environment.python,
            recipe.worker_path(),
            {"do": "train", "model": "", "files": [], "threads": chosen.threads, "options": {}},
            limits=Limits(answer_s=chosen.timeout),
            variables={key: value.format(weights=environment.weights) for key, value in recipe.variables},
        )
        told = chosen.model_dump(mode="json") | {"output": str(temporary), "name": "trained"}
        try:
            values, _ = process.ask("train", arrays, told)
        finally:
            process.close()
        _lift(temporary, values.pop("model"))
    record = {
        "schema": TRAINING_SCHEMA,
        "tool": tool,
        "version": environment.version,
        "method": f"{tool}:{target}",
        "images": len(images),
        "validation_images": len(validation[0]),
        "options": chosen.model_dump(mode="json"),
        **values,
    }
    write_json(target.with_name(f"{target.name}.training.json"), record)
    return record


def _arrays(
    tool: str, images: Sequence[NDArray[Any]], labels: Sequence[NDArray[Any]], prefix: str
) -> dict[str, NDArray[Any]]:
    if len(images) != len(labels):
        raise MethodError(f"{tool}: {len(images)} images and {len(labels)} label images")
    found = {}
    for number, (image, truth) in enumerate(zip(images, labels, strict=True)):
        check_same_shape(truth, image, where=f"{tool}, {prefix}image {number}")
        if image.ndim != 2:
            raise MethodError(f"{tool}: image {number} has {image.ndim} axes; it is trained on (y, x)")
        found[f"{prefix}image-{number}"] = image.astype("float32")
        found[f"{prefix}label-{number}"] = truth.astype("int32")
    return found


def _lift(temporary: Path, name: str) -> None:
    """Let what the tool wrote take the place of the folder in which it wrote it."""
    aside = temporary.with_name(f"{temporary.name}.lifted")
    (temporary / name).rename(aside)
    temporary.rmdir()
    aside.rename(temporary)
