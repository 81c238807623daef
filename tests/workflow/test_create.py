"""A new study: what was asked is used or refused, and a refusal leaves nothing on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError, MethodError, StudyError
from veriscope.workflow.create import default_candidates
from veriscope.workflow.study import Study


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images."""
    place = tmp_path / "images"
    place.mkdir()
    for seed, name in enumerate("ab"):
        pixels = np.random.default_rng(seed).integers(0, 99, (40, 48), np.uint8)
        tifffile.imwrite(place / f"{name}.tif", pixels)
    return place


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"methods": ("log-spots", "otsu-watershed", "log-spots")},
            "method log-spots is named twice; name each candidate once",
        ),
        ({"diameter": 0}, "new study: wrong options\n  - diameter: Input should be greater than 0 (got 0)"),
        ({"diameter": float("inf")}, "diameter: Input should be a finite number (got inf)"),
        (
            {"diameter": 20, "methods": ("pixel-forest",)},
            "--diameter: pixel-forest takes none; leave it out",
        ),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0 (got -1)"),
        ({"tile_size": 8}, "tile_size: Input should be greater than or equal to 16 (got 8)"),
        ({"object": ""}, "object: String should have at least 1 character (got '')"),
        ({"measure": "fraction:area>"}, "measure 'fraction:area>' is not known; measures are: count"),
        ({"tolerance": "0%"}, "tolerance '0%' is not a share of the answer; give a percentage above 0%"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"methods": ()}, "there are no candidates"),
    ],
)
def test_a_refused_study_leaves_nothing(
    images: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((InputError, MethodError, StudyError)) as caught:
        Study.new(tmp_path / "study", images=images, **({"methods": ("log-spots",)} | options))
    assert message in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images"]


def test_the_folder_one_is_in_is_not_made_anew(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`veriscope new .` would leave the user in a folder that is gone; it used to end in a traceback."""
    here = tmp_path / "place" / "study"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    for path in (Path(), here, here.parent, Path("..")):
        with pytest.raises((InputError, StudyError)) as caught:
            Study.new(path, images=images, methods=("log-spots",))
        assert str(caught.value) == (
            f"{path}: is the folder you are in, or one above it, and is to be made anew; name a new folder, "
            f"such as {path / 'my-study'}"
        )
    assert list(here.iterdir()) == []
    made = Study.new(Path("my-study"), images=images, methods=("log-spots",))
    assert made.config.name == "my-study"


def test_candidates_are_named_apart_where_their_methods_look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    from veriscope.registry import get_method
    from veriscope.workflow import create

    named = {"zoo:a b": "log-spots", "zoo:a-b": "log-spots", "zoo:A/B": "otsu-watershed"}
    monkeypatch.setattr(create, "get_method", lambda name: get_method(named[name]))
    monkeypatch.setattr(create, "make_method", lambda name, parameters: None)
    found = default_candidates("nucleus", tuple(named), diameter=None)
    assert [item.id for item in found] == ["zoo-a-b", "zoo-a-b-2", "zoo-A-B-3"]
    assert [item.method for item in found] == list(named)


def test_a_diameter_goes_to_the_methods_that_take_one() -> None:
    found = default_candidates("nucleus", ("log-spots", "pixel-forest"), diameter=14.5)
    assert [item.parameters for item in found] == [{"diameter": 14.5}, {}]


def test_all_methods_that_fit_the_object_compete_by_themselves() -> None:
    every = {item.method for item in default_candidates("no such thing", None, diameter=None)}
    spots = {item.method for item in default_candidates("spot", None, diameter=9)}
    assert "log-spots" in spots < every
    with pytest.raises(MethodError, match="no method named 'stardist'"):
        default_candidates("nucleus", ("stardist",), diameter=None)
