"""What images are is told from their pixels, or not; candidates follow, and the user's word goes first."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from veriscope.cli.app import app
from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.io.folders import find_images
from veriscope.registry import get_method
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.modality import (
    LOOKS,
    background_place,
    look_of,
    sees_channels,
    unlike_card,
    why_left_out,
)
from veriscope.workflow.other_methods import other_methods
from veriscope.workflow.study import Study


def scene(background: float, objects: float, noise: float = 2, share: float = 0.1) -> np.ndarray[Any, Any]:
    """Squares on a background."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(background, noise, (120, 120))
    pixels[:: max(1, round(1 / share)), :] = objects
    return np.clip(pixels, 0, 255).astype(np.uint8)


def colours(pixels: np.ndarray[Any, Any], red: float, green: float, blue: float) -> Image:
    stained = np.stack([np.clip(pixels * factor, 0, 255) for factor in (red, green, blue)]).astype(np.uint8)
    return Image(stained, "cyx", channels=RGB_CHANNELS)


@pytest.mark.parametrize(
    ("image", "look"),
    [
        (Image(scene(8, 200), "yx"), "fluorescence"),
        (Image(scene(8, 200).astype(np.uint16) * 20 + 400, "yx"), "fluorescence"),
        (Image(scene(200, 60), "yx"), "grey"),
        (Image(scene(120, 30, noise=20), "yx"), "grey"),
        (colours(scene(220, 100), 1, 0.7, 0.9), "colour"),
        (colours(scene(220, 100), 1, 1, 1), "grey"),
        (colours(scene(8, 200), 0, 1, 0), "fluorescence"),
        (Image(np.full((20, 20), 7, np.uint8), "yx"), None),
        (Image(scene(100, 180, noise=12), "yx"), None),
        (Image(np.zeros((2, 20, 20), np.uint8), "cyx", channels=("a", "b")), None),
    ],
)
def test_the_look_of_an_image(image: Image, look: str | None) -> None:
    assert look_of(image) == look


def test_the_place_of_the_background() -> None:
    ramp = np.linspace(0, 100, 1001).reshape(7, 143)
    assert background_place(Image(ramp, "yx")) == pytest.approx((50 - 1) / (99.8 - 1))
    assert background_place(Image(3 * ramp + 40, "yx")) == pytest.approx((50 - 1) / (99.8 - 1))
    assert background_place(Image(np.full((9, 9), 7), "yx")) is None
    assert background_place(Image(np.stack([ramp, ramp]), "cyx", channels=("a", "b"))) is None
    assert background_place(Image(np.stack([ramp, ramp]), "cyx", channels=("a", "b")), 1) is not None


def test_the_look_does_not_depend_on_gain_and_offset_of_the_camera() -> None:
    for pixels in (scene(8, 200), scene(200, 60)):
        expected = look_of(Image(pixels, "yx"))
        for gain, offset in ((1, 0), (200, 0), (3, 0.5)):
            assert look_of(Image(pixels.astype(np.float32) * gain + offset, "yx")) == expected


@pytest.mark.parametrize(
    ("name", "numbers", "sees"),
    [
        ("otsu-watershed", {1}, True),
        ("otsu-watershed", {2, 3}, True),
        ("nuclei-histology", {3}, True),
        ("nuclei-histology", {1}, False),
        ("nuclei-histology", {1, 3}, False),
    ],
)
def test_a_method_of_three_channels_sees_images_of_three_alone(
    name: str, numbers: set[int], sees: bool
) -> None:
    assert sees_channels(get_method(name), numbers) is sees


def test_every_sentence_says_what_speaks_against_a_method() -> None:
    method = get_method("nuclei-histology")
    assert why_left_out(method, "nucleus", ("fluorescence",), {1}) == [
        "It sees 3 channels at once; these images have 1.",
        "It was made for histology and brightfield images, and these are fluorescence.",
    ]
    assert why_left_out(method, "nucleus", LOOKS["colour"][1], {3}) == []
    assert why_left_out(method, "object", (), {3}) == [], "nothing is known, nothing speaks against it"
    cells = get_method("cells-phase-contrast")
    assert why_left_out(cells, "nucleus", (), {1}) == ["It was made for cell, not for nucleus."]
    assert why_left_out(cells, "cell", LOOKS["grey"][1], {1}) == []


def images(folder: Path, pixels: np.ndarray[Any, Any], n: int = 3) -> Path:
    folder.mkdir()
    for number in range(n):
        tifffile.imwrite(folder / f"{number}.tif", np.roll(pixels, number, 0))
    return folder


def test_images_that_look_unlike_those_of_the_card_are_told(tmp_path: Path) -> None:
    shining = find_images(images(tmp_path / "dark", scene(8, 200)))
    grey = find_images(images(tmp_path / "bright", scene(200, 60)))
    nuclei = get_method("nuclei-fluorescence")()
    assert unlike_card(nuclei, shining) == []
    (said,) = unlike_card(nuclei, grey)
    assert said.startswith(
        "nuclei-fluorescence was made for fluorescence images, and these look otherwise (grey"
    )
    (said,) = unlike_card(get_method("cells-phase-contrast")(), shining)
    assert "these look otherwise (bright on a dark background)" in said
    assert unlike_card(nuclei, [*grey, *shining]) == [], "they differ, so nothing can be told"
    assert unlike_card(get_method("otsu-watershed")(), grey) == [], "made for no kind of image in particular"
    (tmp_path / "broken.tif").write_bytes(b"II*")
    assert unlike_card(nuclei, find_images(tmp_path / "broken.tif")) == [] == unlike_card(nuclei, [])


def test_of_a_stack_only_the_plane_in_the_middle_is_looked_at(tmp_path: Path) -> None:
    """The others may be any number, and out of focus."""
    planes = np.stack([scene(200, 60), scene(8, 200), scene(200, 60)])
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack", metadata={"axes": "ZYX"})
    nuclei = get_method("nuclei-fluorescence")()
    assert unlike_card(nuclei, find_images(tmp_path / "a.tif"), axes="zyx") == []
    tifffile.imwrite(tmp_path / "a.tif", 255 - planes, photometric="minisblack", metadata={"axes": "ZYX"})
    (said,) = unlike_card(nuclei, find_images(tmp_path / "a.tif"), axes="tyx")
    assert "these look otherwise" in said


@pytest.mark.parametrize("inverted", [False, True])
def test_predict_cautions_where_the_contrast_is_inverted(tmp_path: Path, inverted: bool) -> None:
    place = images(tmp_path / "i", scene(200, 60) if inverted else scene(8, 200), n=1)
    line = ["predict", "nuclei-fluorescence", str(place), "-o", str(tmp_path / "o"), "-q"]
    told = json.loads(CliRunner().invoke(app, [*line, "--json"]).stdout)
    assert len(told["cautions"]) == inverted
    assert ("caution: nuclei-fluorescence was made for" in CliRunner().invoke(app, line).stderr) is inverted


@pytest.mark.parametrize(
    ("pixels", "options", "modalities", "is_in"),
    [
        (scene(8, 200), {}, ("fluorescence",), False),
        (scene(200, 60), {}, LOOKS["grey"][1], True),
        (scene(8, 200), {"modality": "phase-contrast"}, ("phase-contrast",), True),
        (scene(100, 180, noise=12), {}, (), True),
        (scene(8, 200), {"methods": ("cells-phase-contrast",)}, ("fluorescence",), True),
    ],
)
def test_candidates_follow_what_the_images_are(
    tmp_path: Path, pixels: np.ndarray[Any, Any], options: dict[str, Any], modalities: tuple[str, ...],
    is_in: bool,
) -> None:  # fmt: skip
    study = Study.new(tmp_path / "s", images=images(tmp_path / "i", pixels), object="cell", **options)
    assert study.config.modalities == modalities
    names = [item.method for item in study.config.candidates]
    assert ("cells-phase-contrast" in names) is is_in
    if "methods" not in options:
        assert "otsu-watershed" in names, "made for no kind of image in particular"
    others = {item.name: item for item in other_methods(StudyFolder(study.path), study.config)}
    if not is_in:
        assert others["cells-phase-contrast"].fits, "it can be let in all the same"
        said = "It was made for phase-contrast images, and these are fluorescence."
        assert others["cells-phase-contrast"].remarks == (said,)


def test_images_that_differ_are_not_told(tmp_path: Path) -> None:
    place = images(tmp_path / "i", scene(8, 200))
    tifffile.imwrite(place / "other.tif", scene(200, 60))
    study = Study.new(tmp_path / "s", images=place, object="cell")
    assert study.config.modalities == ()
    assert "cells-phase-contrast" in [item.method for item in study.config.candidates]


def test_new_says_what_the_images_are_and_who_is_left_out(tmp_path: Path) -> None:
    words = ["new", str(tmp_path / "s"), "--images", str(images(tmp_path / "i", scene(8, 200)))]
    done = CliRunner().invoke(app, [*words, "--object", "cell", "--quiet"])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "images: fluorescence (by their pixels, --modality overrides)" in said
    assert "left out: cells-phase-contrast. It was made for phase-contrast images" in said
    words[1] = str(tmp_path / "t")
    told = CliRunner().invoke(app, [*words, "--object", "cell", "--modality", "phase-contrast", "--json"])
    found = json.loads(told.output)
    assert found["modalities"] == ["phase-contrast"] and "cells-phase-contrast" in found["candidates"]
    assert "nuclei-fluorescence" in found["left_out"]
    wrong = CliRunner().invoke(app, [*words, "--modality", "x-ray"])
    assert wrong.exit_code == 2 and "phase-contrast" in wrong.output


def test_real_sets_are_told_as_the_guide_says(data_dir: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "science" / "modality.py"
    spec = importlib.util.spec_from_file_location("modality_benchmark", path)
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    found = {row["set"]: row for row in benchmark.run(data_dir, most=2)["sets"]}
    for name in ("bccd_blood_detection", "dsb2018_histology", "dsb2018_brightfield", "dsb2018_fluorescence"):
        assert (found[name]["right"], found[name]["n"]) == (2, 2)
    assert found["t98g_phase_contrast"]["not_told"] == 2


def test_a_method_of_boxes_and_classes_can_be_let_in_where_there_are_colours(tmp_path: Path) -> None:
    grey = scene(220, 100)
    stained = np.stack([grey, (grey * 0.7).astype(np.uint8), (grey * 0.9).astype(np.uint8)], axis=-1)
    place = images(tmp_path / "i", stained)
    study = Study.new(tmp_path / "s", images=place, object="nucleus", channel="luminance")
    assert study.config.modalities == LOOKS["colour"][1]
    others = {item.name: item for item in other_methods(StudyFolder(study.path), study.config)}
    assert others["blood-cells"].fits
    assert others["blood-cells"].remarks == (
        "It was made for red blood cell, white blood cell and platelet, not for nucleus.",
    )
