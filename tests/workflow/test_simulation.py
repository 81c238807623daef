"""Simulated folders from settings in a file: what is taken, what is refused, and nothing half is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from veriscope.errors import InputError
from veriscope.workflow.simulation import simulate_folder

SMALL = """
simulation:
  scene: {height_px: 40, width_px: 48, density_per_mm2: 3000, diameter_um: 6}
groups:
- name: control
- name: drug
  density_factor: 0.5
replicates: 2
images_per_replicate: 1
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(SMALL)
    return path


def images(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "images").iterdir())


def test_the_settings_of_the_file_are_simulated(settings: Path, tmp_path: Path) -> None:
    found = simulate_folder(tmp_path / "data", settings=settings, seed=4)
    assert found["n_images"] == len(images(tmp_path / "data")) == 4
    said = json.loads((tmp_path / "data" / "truth.json").read_text(encoding="utf-8"))
    assert said["seed"] == 4
    assert {key: value for key, value in found.items() if key != "n_images"} == said


def test_what_is_said_beside_the_file_goes_before_it(settings: Path, tmp_path: Path) -> None:
    found = simulate_folder(tmp_path / "data", settings=settings, replicates=1, images=3)
    assert found["n_images"] == len(images(tmp_path / "data")) == 6


def test_the_same_seed_is_the_same_data(settings: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_folder(tmp_path / name, settings=settings, seed=seed)
    first = images(tmp_path / "a")[0]
    a, b, c = ((tmp_path / name / "images" / first).read_bytes() for name in "abc")
    assert a == b != c


def test_progress_goes_to_the_end(settings: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    simulate_folder(
        tmp_path / "d", settings=settings, progress=lambda _, done, all_: told.append((done, all_))
    )
    assert told[-1] == (4, 4) and told == sorted(told)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"groups: [", "cannot be read as YAML ("),
        (b"\xff\xfe\x00", "cannot be read as YAML ("),
        (b"when: 2024-13-45", "cannot be read as YAML ("),
        (b"- a\n- b", "holds list, not settings by name"),
        (b"just words", "holds str, not settings by name"),
        (b"42", "holds int, not settings by name"),
        (b"replicate: 3", "replicate"),
        (b"replicates: 0", "replicates"),
        (b"replicates: many", "replicates"),
        (b"simulation: {scene: {height: 5}}", "height"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        simulate_folder(tmp_path / "data", settings=path)
    assert str(path) in str(caught.value) and message in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read as YAML"):
        simulate_folder(tmp_path / "data", settings=tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"(?s)^simulation: .*replicates"):
        simulate_folder(tmp_path / "data", replicates=-1)
    assert not (tmp_path / "data").exists()


def test_an_empty_file_changes_no_default(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("# nothing yet\n")
    with pytest.raises(InputError, match="images_per_replicate"):
        simulate_folder(tmp_path / "data", settings=path, images=0)


def test_a_folder_with_something_in_it_is_left_alone(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="data"):
        simulate_folder(tmp_path / "data", settings=settings)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine.txt"]
