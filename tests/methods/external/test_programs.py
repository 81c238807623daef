"""ilastik projects and Fiji macros as methods; the programs themselves are stand-ins (`fake_*.py`)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.external.ilastik import IlastikMethod
from veriscope.methods.external.program import run_program
from veriscope.registry import make_method
from veriscope.testing.methods import check_method, discs_image
from veriscope.zoo.environments import install_tool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
HERE = Path(__file__).parent


def program(folder: Path, tool: str) -> Path:
    path = folder / f"run {tool}.sh"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / f"fake_{tool}.py"}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path / "external"))
    for tool in ("ilastik", "fiji"):
        found = install_tool(tool, program=str(program(tmp_path, tool)))
        assert found["made"] and found["test"]["text"].startswith("called with --headless")
    return tmp_path


def made(folder: Path, name: str, content: str) -> str:
    path = folder / "my files" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return f"{'ilastik' if name.endswith('ilp') else 'fiji'}:{path}"


@pytest.mark.parametrize(("name", "content"), [("bright.ilp", "bright"), ("label.ijm", "label")])
def test_programs_keep_the_contract(installed: Path, name: str, content: str) -> None:
    method = make_method(made(installed, name, content))
    check_method(method)
    about = method.describe()
    assert list(about["tool"]["files"]) == [name] and about["version"].startswith("sha256:")


def test_the_command_line_of_ilastik(installed: Path, tmp_path: Path) -> None:
    method = make_method(made(installed, "bright.ilp", "bright"))
    assert isinstance(method, IlastikMethod)
    project, folder = method.files[0], tmp_path / "w"
    folder.mkdir()
    assert method.command(folder, discs_image()) == [
        "--headless",
        "--readonly",
        f"--project={project}",
        "--export_source=Probabilities",
        "--output_format=numpy",
        f"--output_filename_format={folder}/result.npy",
        "--output_axis_order=yxc",
        "--input_axes=yx",
        f"--raw_data={folder}/image.npy",
    ]


@pytest.mark.parametrize("export", ["Probabilities", "Simple Segmentation"])
def test_classes_of_ilastik_become_objects(installed: Path, export: str) -> None:
    pixels = np.zeros((40, 60), np.uint8)
    pixels[5:15, 5:15], pixels[20:32, 30:42] = 200, 200
    method = make_method(made(installed, "bright.ilp", "bright"), {"export": export, "split": False})
    assert np.array_equal(method.predict(Image(pixels, "yx")).labels > 0, pixels > 0)
    dark = make_method(made(installed, "bright.ilp", "bright"), {"export": export, "foreground": 2})
    assert np.array_equal(dark.predict(Image(pixels, "yx")).labels > 0, pixels == 0)


def test_a_mask_of_a_macro_becomes_objects(installed: Path) -> None:
    image = discs_image()
    method = make_method(made(installed, "mask.ijm", "mask"), {"result": "mask"})
    labels = make_method(made(installed, "label.ijm", "label")).predict(image)
    found = method.predict(image)
    assert found.n_objects > 1
    assert np.array_equal(found.labels > 0, labels.labels > 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.int64])
def test_pixels_come_to_fiji_as_they_are(installed: Path, dtype: type[np.generic]) -> None:
    pixels = np.zeros((33, 47), dtype)
    pixels[4:9, 40:46] = 120
    found = make_method(made(installed, "label.ijm", "label")).predict(Image(pixels, "yx"))
    assert np.array_equal(found.labels > 0, pixels > 0)


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        (
            "a.ilp",
            "other",
            {},
            r"run ilastik.sh failed with exit code 1. Its last words: RuntimeError: cannot open",
        ),
        ("a.ilp", "hangs", {"timeout": 1.0}, r"gave no result within 1 s .* -p timeout=SECONDS"),
        ("a.ilp", "bright", {"foreground": 3}, r"has 2 label classes and class 3 was asked for"),
        ("a.ijm", "fails", {}, r"Fiji ended without a result. Its last words: Undefined variable in line 1"),
        ("a.ijm", "fraction", {}, r"the active image holds no labels .*-p result=mask"),
        ("a.ijm", "crop", {}, r"left an image of 95 x 112 pixels .* 96 x 112 and one are expected"),
    ],
)
def test_faults_of_programs_are_told(
    installed: Path, name: str, content: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(MethodError, match=message):
        make_method(made(installed, name, content), options).predict(discs_image())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ilastik:no.ilp", r"no.ilp does not exist; give a file ending .ilp"),
        ("fiji:no.ijm", r"no.ijm does not exist; give a file ending .ijm or .txt"),
    ],
)
def test_missing_files_are_told(installed: Path, name: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        make_method(name)


def test_missing_programs_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MethodError, match="veriscope models install ilastik --program PATH"):
        make_method("ilastik:x.ilp")
    with pytest.raises(MethodError, match=r"none of run_ilastik.sh, .* is on the path"):
        install_tool("ilastik")
    with pytest.raises(MethodError, match="is no program that can be run"):
        install_tool("fiji", program=str(tmp_path / "nothing"))
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\nexit 0\n")
    other.chmod(0o755)
    with pytest.raises(MethodError, match="ended without doing what it was asked; is it Fiji"):
        install_tool("fiji", program=str(other))
    assert not (tmp_path / "fiji" / "environment.json").exists()


def test_a_program_that_stays_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "stays"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/done\nsleep 60\n")
    script.chmod(0o755)
    run_program("x", [str(script)], tmp_path, finished=(tmp_path / "done").exists, seconds=30)
