"""Studies at several stages, made once from the tiny data; tests work on copies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from veriscope.workflow.study import Study

METHODS = ("otsu-watershed", "log-spots")
TILE_SIZE = 56


@pytest.fixture(scope="session")
def new_options(tiny_data: Path) -> dict[str, Any]:
    """Options of the studies below; keyword arguments of `Study.new`."""
    return {
        "images": str(tiny_data / "images" / "*.tif"),
        "object": "nucleus",
        "groups": str(tiny_data / "sheet.csv"),
        "tolerance": "10%",
        "methods": METHODS,
        "tile_size": TILE_SIZE,
        "seed": 5,
    }


@pytest.fixture(scope="session")
def _after_run(tmp_path_factory: pytest.TempPathFactory, new_options: dict[str, Any]) -> Path:
    study = Study.new(tmp_path_factory.mktemp("run") / "study", **new_options)
    study.run()
    return study.path


@pytest.fixture(scope="session")
def _after_report(tmp_path_factory: pytest.TempPathFactory, _after_run: Path, tiny_data: Path) -> Path:
    path = tmp_path_factory.mktemp("report") / "study"
    shutil.copytree(_after_run, path)
    study = Study(path)
    study.audit(tiles=24)
    study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    study.report()
    return path


@pytest.fixture
def run_study(tmp_path: Path, _after_run: Path) -> Study:
    """A study whose candidates have run; nothing drawn yet."""
    shutil.copytree(_after_run, tmp_path / "study")
    return Study(tmp_path / "study")


@pytest.fixture
def done_study(tmp_path: Path, _after_report: Path) -> Study:
    """A study with 24 draws, all annotated by the simulation's truth, and its report."""
    shutil.copytree(_after_report, tmp_path / "study")
    return Study(tmp_path / "study")


@pytest.fixture(scope="session")
def finished(_after_report: Path) -> Study:
    """The same study without a copy, only to be read."""
    return Study(_after_report)


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, tuple[int, int]]]:
    """Give a function that lists all files of a folder with time of change and size."""

    def take(root: Path) -> dict[str, tuple[int, int]]:
        files = [path for path in sorted(root.rglob("*")) if path.is_file()]
        return {
            path.relative_to(root).as_posix(): (path.stat().st_mtime_ns, path.stat().st_size)
            for path in files
        }

    return take
