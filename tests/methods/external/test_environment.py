"""Which tool is there, where, and what is said when it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import MethodError
from veriscope.methods.external.environment import (
    ENVIRONMENT_SCHEMA,
    Recipe,
    external_folder,
    find_environment,
    need_environment,
    venv_python,
)
from veriscope.methods.external.find import RUNTIMES, TOOLS, external_method, is_external_name, recipe_of
from veriscope.methods.external.model_paths import given_path, needs_download

PACKAGE = Recipe(tool="seg", title="Seg 2", packages=("seg>=2,<3",), torch=("torch==2.5",), size_gb=1.5)
PROGRAM = Recipe(tool="prog", title="Prog", program=("prog",))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path / "external"))
    return tmp_path / "external"


def made(here: Path, recipe: Recipe, **changes: Any) -> Path:
    """A finished environment, as it stands on the disk."""
    folder = here / recipe.tool
    python = venv_python(folder / "venv")
    python.parent.mkdir(parents=True)
    python.touch()
    record = {
        "schema": ENVIRONMENT_SCHEMA,
        "tool": recipe.tool,
        "version": "2.1",
        "requirements": ["torch==2.5", "seg>=2,<3"],
    }
    (folder / "environment.json").write_text(json.dumps(record | changes))
    return folder


def test_a_finished_environment_is_found_with_what_is_in_it(here: Path) -> None:
    assert find_environment(PACKAGE) is None
    folder = made(here, PACKAGE)
    found = find_environment(PACKAGE)
    assert found is not None
    assert (found.folder, found.version, found.weights) == (folder, "2.1", folder / "weights")
    assert found.python.is_file()
    assert need_environment(PACKAGE, "seg:x") == found


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "veriscope/environment/0"},
        {"requirements": ["seg>=2,<3", "torch==2.5"]},
        {"requirements": ["torch==2.5", "seg>=1,<2"]},
        {"requirements": None},
    ],
)
def test_an_environment_for_something_else_is_none(here: Path, changes: dict[str, Any]) -> None:
    made(here, PACKAGE, **changes)
    assert find_environment(PACKAGE) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_damaged_record_is_none(here: Path, content: str) -> None:
    (made(here, PACKAGE) / "environment.json").write_text(content)
    assert find_environment(PACKAGE) is None


def test_an_environment_without_its_python_is_none(here: Path) -> None:
    venv_python(made(here, PACKAGE) / "venv").unlink()
    assert find_environment(PACKAGE) is None
    with pytest.raises(MethodError) as error:
        need_environment(PACKAGE, "seg:nuclei")
    assert str(error.value) == (
        "seg:nuclei: Seg 2 is needed in an environment of its own, which is not there or was not finished; "
        "make it with: veriscope models install seg (about 1.5 GB)"
    )


def test_a_program_is_found_where_it_was_said_to_be(here: Path, tmp_path: Path) -> None:
    program = tmp_path / "prog"
    made(here, PROGRAM, program=str(program), requirements=[])
    assert find_environment(PROGRAM) is None, "it was removed since"
    with pytest.raises(MethodError) as error:
        need_environment(PROGRAM, "prog:a.x")
    assert str(error.value) == (
        "prog:a.x: Prog is needed and it is not known where it is; install it, then say so with: "
        "veriscope models install prog --program PATH"
    )
    program.touch()
    assert find_environment(PROGRAM) is not None


@pytest.mark.parametrize(
    ("system", "variable", "below"),
    [
        ("linux", "XDG_DATA_HOME", "veriscope/external"),
        ("win32", "LOCALAPPDATA", "veriscope/external"),
        ("darwin", "HOME", "Library/Application Support/veriscope/external"),
    ],
)
def test_the_usual_place_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, variable: str, below: str
) -> None:
    monkeypatch.delenv("VERISCOPE_EXTERNAL")
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setenv(variable, str(tmp_path))
    assert external_folder() == tmp_path / below


def test_the_place_that_the_user_chose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERISCOPE_EXTERNAL", "tools")
    assert external_folder() == tmp_path / "tools", "also after the folder is changed"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VERISCOPE_EXTERNAL", "~/tools")
    assert external_folder() == tmp_path / "home" / "tools"


@pytest.mark.parametrize(
    ("name", "external"),
    [
        ("cellpose:cyto3", True),
        ("stardist:", True),
        ("cellpose", False),
        ("zoo:affable-shark", False),
        ("tensorflow:x", False),
        ("otsu-watershed", False),
        ("C:/models/cellpose", False),
        ("", False),
    ],
)
def test_names_of_tools_are_told_from_other_names(name: str, external: bool) -> None:
    assert is_external_name(name) == external


@pytest.mark.parametrize("tool", sorted([*TOOLS, *RUNTIMES]))
def test_every_tool_has_a_recipe_of_its_name(tool: str) -> None:
    recipe = recipe_of(tool)
    assert recipe.tool == tool
    assert bool(recipe.program) != bool(recipe.packages), "a program or packages, and not both"
    assert not recipe.worker or recipe.worker_path().is_file()


def test_a_tool_or_model_that_is_not_named_is_refused() -> None:
    with pytest.raises(MethodError) as error:
        recipe_of("cellpos")
    known = ", ".join(sorted([*TOOLS, *RUNTIMES]))
    assert str(error.value) == f"no tool named 'cellpos'; Veriscope knows {known}"
    assert "cellpose, cellpose-sam, " in known
    for name in ("stardist:", "stardist:  "):
        with pytest.raises(MethodError) as error:
            external_method(name)
        assert str(error.value) == f"{name}: says no model; give stardist:NAME or stardist:./PATH"


def test_a_model_of_a_tool_that_is_not_installed_says_so() -> None:
    method = external_method("stardist:2D_versatile_fluo")
    assert (method.name, method.version) == ("stardist:2D_versatile_fluo", "not installed")
    assert method.card.summary.endswith(".")


def test_a_path_is_told_from_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert given_path("cyto3") is None
    assert given_path("./model") == tmp_path / "model"
    assert given_path("~/model") == tmp_path / "home" / "model"
    assert given_path("folder/model") == tmp_path / "folder" / "model"
    assert given_path("folder\\model") is not None
    (tmp_path / "cyto3").touch()
    assert given_path("cyto3") == tmp_path / "cyto3", "a file of that name is there"


def test_weights_that_were_not_fetched_are_not_fetched_in_secret(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    files[0].touch()
    with pytest.raises(MethodError) as error:
        needs_download("seg:nuclei", PACKAGE, "nuclei", files)
    assert str(error.value) == (
        "seg:nuclei: weights named 'nuclei' are not here, and nothing is fetched unless asked for; fetch "
        "them with: veriscope models install seg --download nuclei (or give the path of weights: seg:./PATH)"
    )
    files[1].touch()
    assert needs_download("seg:nuclei", PACKAGE, "nuclei", files) == files
