"""Methods that find what a test says, installed beside the others, and small studies for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from veriscope import registry
from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.methods.base import Card, Method
from veriscope.workflow.study import Study

Finds = Callable[[Image], NDArray[Any]]


class Scripted(Method):
    """Finds what a function says."""

    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(
        summary="Follows a script.", objects=("nucleus",), modalities=(), limits=("It was told.",)
    )
    finds: ClassVar[Finds]

    def _predict(self, image: Image) -> Prediction:
        return Prediction(np.asarray(type(self).finds(image), np.int32), image.axes)

    def fit(self, images: Any, labels: Any, *, regions: Any = None) -> Self:
        return self


def install(patch: pytest.MonkeyPatch, *, pupils: tuple[str, ...] = (), **scripts: Finds) -> None:
    """Install a method for each script; pupils say that they need training."""

    def entry(name: str, finds: Finds) -> Any:
        about = {"name": name, "finds": staticmethod(finds), "needs_training": name in pupils}
        kind = type(f"Scripted_{name}", (Scripted,), about)
        return type("Entry", (), {"value": "tests:Scripted", "load": lambda self: kind})()

    entries = registry._entries() | {name: entry(name, finds) for name, finds in scripts.items()}
    patch.setattr(registry, "_entries", lambda: entries)


def squares(*corners: tuple[int, int], side: int = 6, shape: tuple[int, int] = (64, 64)) -> NDArray[np.int32]:
    """Square objects by their first pixels."""
    labels = np.zeros(shape, np.int32)
    for number, (y, x) in enumerate(corners, start=1):
        labels[y : y + side, x : x + side] = number
    return labels


def small_study(path: Path, truth: Mapping[str, NDArray[Any]], **options: Any) -> Study:
    """Images, bright where objects are, with references in ``labels``, and a study of them in ``study``."""
    for folder in ("images", "labels"):
        (path / folder).mkdir()
    for name, labels in truth.items():
        pixels = np.where(labels > 0, 200, 20).astype(np.uint8)
        tifffile.imwrite(path / f"images/{name}.tif", pixels)
        tifffile.imwrite(path / f"labels/{name}.tif", labels.astype(np.uint16))
    given = {"object": "nucleus", "tile_size": 32, "seed": 5, "tolerance": "20%"}
    study = Study.new(path / "study", images=path / "images", **(given | options))
    study.run()
    return study


def audit(study: Study, **options: Any) -> Study:
    """Draw and annotate by the references beside the study."""
    study.audit(**options)
    study.import_references(study.path.parent / "labels", annotator="reference", whole_images=True)
    return study
