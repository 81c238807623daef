"""The verbs on files and folders, help, usage and exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.ome_files import write_several

from veriscope import __version__

from .conftest import Veriscope

VERBS = (
    *("new", "run", "audit", "validate", "estimate", "verdict", "report", "demo"),
    *("predict", "compare", "measure", "simulate", "info", "methods"),
)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(veriscope: Veriscope, verb: str) -> None:
    said = veriscope(verb, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"veriscope {verb}" in said.out
    assert "--json" in said.out
    assert verb in veriscope("--help").out


def test_wrong_usage_exits_2_and_prints_nothing_on_stdout(veriscope: Veriscope) -> None:
    for line in (("predikt",), ("compare", "only-one"), ("run",), ("audit", "s", "--tiles", "many")):
        said = veriscope(*line)
        assert (said.code, said.out) == (2, ""), line
        assert said.err


def test_version(veriscope: Veriscope) -> None:
    assert veriscope("--version").out.strip() == f"veriscope {__version__}"


def test_predict_compare_measure(veriscope: Veriscope, tiny_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    line = ("predict", "otsu-watershed", tiny_data / "images", "-o", out, "--diameter", "14")
    made = veriscope(*line, "--json")
    assert (made.code, made.err) == (0, "")
    assert made.json["method"]["parameters"]["diameter"] == 14
    again = veriscope(*line)
    assert again.out.startswith(f"{made.json['n_objects']} objects in 8 images (0 done now); labels in {out}")
    assert "untested" in again.out
    judged = veriscope("compare", tiny_data / "labels", out, "--json")
    assert (judged.code, judged.err) == (0, "")
    assert judged.json["metrics"]["f1@0.5"]["value"] > 0.6
    shown = veriscope("compare", tiny_data / "labels", out, "--threshold", "0.6").out
    assert "f1@0.6" in shown
    table = tmp_path / "objects.parquet"
    line = ("measure", out, "--image", tiny_data / "images", "-o", table)
    assert veriscope(*line, "--json").json["n_objects"] == made.json["n_objects"]
    assert "lengths in µm" in veriscope(*line).out


def test_measure_takes_the_option_of_the_issue(veriscope: Veriscope, tiny_data: Path, tmp_path: Path) -> None:
    """`veriscope measure out/ --image images/ -o objects.parquet`."""
    line = ("measure", tiny_data / "labels", "--image", tiny_data / "images", "-o", tmp_path / "t.parquet")
    assert veriscope(*line, "--json").code == 0


def test_info_and_methods(veriscope: Veriscope, tiny_data: Path, tmp_path: Path) -> None:
    shown = veriscope("info", tiny_data / "images")
    assert shown.code == 0
    assert "144 × 160" in shown.out
    (tmp_path / "broken.tif").write_bytes(b"II*\0")
    said = veriscope("info", tmp_path, "--json")
    assert (said.code, said.err) == (1, "")
    assert "broken.tif" in said.json["faults"][0]
    names = [item["name"] for item in veriscope("methods", "--json").json["methods"]]
    assert {"otsu-watershed", "local-threshold-watershed", "log-spots", "pixel-forest"} < set(names)
    assert "nuclei-fluorescence" in names
    card = veriscope("methods", "nuclei-fluorescence").out
    assert "licence" in card
    assert "limits" in card


def test_simulate(veriscope: Veriscope, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "simulation: {scene: {height_px: 64, width_px: 64}}\ngroups: [{name: one}]\nreplicates: 1\n"
    )
    line = ("simulate", tmp_path / "d", "--settings", tmp_path / "s.yaml", "--images", "1")
    said = veriscope(*line, "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["schema"] == "veriscope/simulate/1"
    refused = veriscope(*line, "--json")
    assert refused.message == (
        f"{tmp_path / 'd'}: exists and is not an empty folder; choose a new one or remove it first"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("predict", "log-spots", "{0}/none", "-o", "{0}/out"), "{0}/none: no such file or folder"),
        (("predict", "log-spots", "{0}/empty", "-o", "{0}/out"), "{0}/empty: no image found"),
        (("predict", "cellpose", "{0}/empty", "-o", "{0}/out"), "no method named 'cellpose'"),
        (
            ("predict", "log-spots", "{0}/one", "-o", "{0}/out", "-p", "size"),
            "parameter 'size' cannot be read",
        ),
        (("predict", "log-spots", "{0}/one", "-o", "{0}/out", "-p", "size=3"), "size: Extra inputs"),
        (("predict", "pixel-forest", "{0}/one", "-o", "{0}/out"), "pixel-forest must be trained"),
        (("predict", "log-spots", "{0}/one", "-o", "{0}/file/out"), "a part of the path is a file"),
        (
            ("predict", "log-spots", "{0}/one", "-o", "{0}/out.ome.zarr"),
            "{0}/out.ome.zarr: holds the result of one image and {0}/one is a folder; give a folder for the "
            "results of several, such as -o out",
        ),
        (
            ("predict", "log-spots", "{0}/one/a.tif", "{0}/one/a.tif", "-o", "{0}/out.ome.zarr"),
            "holds the result of one image and 2 are given; give a folder for the results of several",
        ),
        (
            ("predict", "log-spots", "{0}/one", "-o", "{0}/out", "--series", "all"),
            "--series 'all' is no image of a file; write a number from 0, or each",
        ),
        (
            ("predict", "log-spots", "{0}/one", "-o", "{0}/out", "--series", "99"),
            "{0}/one/a.tif: has no image 99; there are: 0 (yx 20 × 20 uint8)",
        ),
        (("info", "{0}/one", "--series", "-1"), "--series '-1' is no image of a file"),
        (("measure", "{0}/one", "-o", "{0}/t.csv", "--series", "first"), "--series 'first' is no image"),
        (("compare", "{0}/none", "{0}/one"), "{0}/none: no such file or folder"),
        (("compare", "{0}/empty", "{0}/one"), "{0}/empty: no image found"),
        (("measure", "{0}/one", "-o", "{0}/file/t.csv"), "a part of the path is a file"),
        (("measure", "{0}/one", "-o", "{0}/t.xlsx"), "xlsx"),
        (("info", "{0}/none"), "{0}/none: no such file or folder"),
        (("methods", "stardist"), "no method named 'stardist'"),
        (("demo", "--data", "{0}/empty"), "{0}/empty: has no folder images and no folder labels"),
        (("demo", "--measure", "density"), "belong to --data; give a folder"),
    ],
)
def test_errors_are_one_json_object_or_one_message(
    veriscope: Veriscope, tmp_path: Path, line: tuple[str, ...], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "one").mkdir()
    (tmp_path / "file").write_text("")
    tifffile.imwrite(tmp_path / "one/a.tif", np.zeros((20, 20), np.uint8))
    argv = [item.format(tmp_path) for item in line]
    said = veriscope(*argv, "--json")
    assert (said.code, said.err) == (1, "")
    assert message.format(tmp_path) in said.message
    plain = veriscope(*argv)
    assert (plain.code, plain.out) == (1, "")
    assert said.message in plain.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "one"]


def test_console_script_prints_json_alone(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_data / "images/control-1-01.tif", tmp_path)
    script = Path(sys.executable).with_name("veriscope")
    line = [script, "predict", "otsu-watershed", tmp_path, "-o", tmp_path / "out", "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["n_images"] == 1
    assert done.stderr == ""


def test_all_images_of_a_file_are_shown_and_become_a_study(tmp_path: Path, veriscope: Veriscope) -> None:
    pixels = np.stack([np.arange(900, dtype=np.uint16).reshape(30, 30)] * 6)
    stains = {"Name": [f"stain {i}" for i in range(6)]}
    unknown = {"PhysicalSizeXUnit": "pixel", "PhysicalSizeYUnit": "pixel"}
    path = write_several(tmp_path / "dish.ome.tif", pixels, pixels * 2, axes="CYX", Channel=stains, **unknown)
    shown = veriscope("info", path)
    assert veriscope("info", path, "--series", "each").out == shown.out
    assert shown.code == 0, shown.err
    assert "2 images" in shown.out and "[0]" in shown.out and "[1]" in shown.out
    assert "image 1 (field 1" in shown.out + shown.err
    assert "and 2 more" in " ".join(shown.out.split())
    new = ("new", tmp_path / "study", "--images", path, "--object", "cell", "--channel", "0")
    refused = veriscope(*new)
    assert refused.code == 1 and "--series each" in refused.err
    made = veriscope(*new, "--series", "each", "--json")
    assert made.code == 0, made.err
    assert made.json["n_images"] == 2
    shown = veriscope("new", tmp_path / "other", *new[2:], "--series", "each")
    told = " ".join((shown.out + shown.err).split())
    assert (
        "files: 2 images are of 1 file that holds several; those of one share it as their replicate" in told
    )
    assert "field 1" not in told, "not a line for each of perhaps a hundred"
    assert "uncalibrated" in told


def test_all_images_of_a_file_are_predicted_and_measured(
    tmp_path: Path, tiny_data: Path, veriscope: Veriscope
) -> None:
    fields = [tifffile.imread(path) for path in sorted((tiny_data / "images").iterdir())[:2]]
    dish, out = write_several(tmp_path / "i/dish.ome.tif", *fields), tmp_path / "out"
    line = ("predict", "log-spots", dish, "--diameter", "14", "--quiet")
    refused = veriscope(*line, "-o", out)
    assert refused.code == 1 and "choose one with --series, or all with --series each" in refused.err
    refused = veriscope(*line, "-o", tmp_path / "one.ome.zarr", "--series", "each")
    assert f"holds the result of one image and {dish} has 2; give a folder" in refused.err
    found = veriscope(*line, "-o", out, "--series", "each", "--json").json
    assert [row["image"] for row in found["images"]] == ["dish_s0", "dish_s1"]
    measured = ("measure", out, "--image", dish, "-o", tmp_path / "t.csv", "--series", "each", "--json")
    assert veriscope(*measured).json["n_objects"] == found["n_objects"]
    one = veriscope(*line, "-o", tmp_path / "one.ome.zarr", "--series", "1", "--json").json
    assert one["n_objects"] == found["images"][1]["n_objects"]
    write_several(tmp_path / "single.ome.tif", fields[1])
    line = ("predict", "log-spots", tmp_path / "single.ome.tif", "--diameter", "14", "--series", "each")
    single = veriscope(*line, "-o", tmp_path / "single.ome.zarr", "--json").json
    assert single["n_objects"] == one["n_objects"]


def test_a_method_for_other_images_is_cautioned_against_by_all_of_a_file(
    tmp_path: Path, veriscope: Veriscope
) -> None:
    bright = np.full((60, 60), 200, np.uint8)
    bright[::10] = 60
    dish = write_several(tmp_path / "dish.ome.tif", bright, bright)
    line = ("predict", "nuclei-fluorescence", dish, "-o", tmp_path / "out", "--diameter", "14")
    (caution,) = veriscope(*line, "--series", "each", "--json").json["cautions"]
    assert "these look otherwise" in caution
