"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No example is timed: on a loaded machine any of them may take long.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is remembered between runs out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERISCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("VERISCOPE_ENGINE", raising=False)
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Root of the real data sets; skips where they are not (a failure in CI)."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(os.environ.get("VERISCOPE_DATA", beside))
    if not root.is_dir():
        message = (
            f"no real data at {root}; set VERISCOPE_DATA to a folder with the data sets of "
            "docs/reference/data.md"
        )
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return root


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated groups of two replicates of two small images, with references; not to be changed."""
    from veriscope.datasets.scene import SceneSettings
    from veriscope.datasets.simulate import SimulationSettings
    from veriscope.datasets.study import GroupSettings, StudySettings
    from veriscope.datasets.write import write_study

    scene = SceneSettings(height_px=144, width_px=160, density_per_mm2=4500, diameter_um=7)
    settings = StudySettings(
        simulation=SimulationSettings(scene=scene),
        groups=(GroupSettings(name="control"), GroupSettings(name="treated", density_factor=0.6)),
        replicates=2,
        images_per_replicate=2,
    )
    folder = tmp_path_factory.mktemp("tiny") / "data"
    write_study(folder, settings, seed=3)
    return folder


@pytest.fixture(scope="session")
def tiny_segmenter() -> Path:
    """Encoder and decoder of a model for click-to-segment without trained weights; not to be changed."""
    return Path(__file__).resolve().parent / "tiny_segmenter"
