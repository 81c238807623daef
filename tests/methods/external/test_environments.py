"""Environments of tools are made whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veriscope.cli.app import app
from veriscope.errors import MethodError
from veriscope.methods.external.environment import Recipe, find_environment
from veriscope.methods.external.find import recipe_of
from veriscope.registry import get_method
from veriscope.zoo import environments
from veriscope.zoo.environments import install_tool, installed_tools, uninstall_tool


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path))
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, recipe: Recipe) -> None:
    monkeypatch.setattr(environments, "recipe_of", lambda tool: recipe)


def test_the_command_line_installs_lists_and_removes(
    fake_installed: Path, here: Path, fake_known: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(fake_installed / "fake", here / "fake", symlinks=True)
    done = CliRunner().invoke(app, ["models", "install", "fake", "--json"])
    assert done.exit_code == 0, done.exception
    found = json.loads(done.stdout)
    assert (found["schema"], found["made"], found["version"]) == ("veriscope/tool/1", False, "1.2")
    assert found["test"]["text"] == "the fake tool thresholded a tiny image"
    (listed,) = [item for item in installed_tools() if item["tool"] == "fake"]
    assert listed["installed"] and listed["version"] == "1.2"
    assert CliRunner().invoke(app, ["models", "uninstall", "fake"]).exit_code == 0
    assert not (here / "fake").exists()
    again = CliRunner().invoke(app, ["models", "uninstall", "fake"])
    assert again.exit_code == 1


def test_unknown_weights_leave_nothing(fake_installed: Path) -> None:
    with pytest.raises(MethodError, match=r"no nothing; there is: offered.*weights need the network"):
        install_tool("fake", download=["nothing"])
    assert [path.name for path in (fake_installed / "fake" / "weights").iterdir()] == ["offered.weights"]


def test_an_interrupted_install_is_not_used_and_carried_on_with(
    fake_known: Recipe, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(fake_known, packages=("--no-index", "veriscope-no-such-package"))
    use(monkeypatch, broken)
    with pytest.raises(MethodError, match=r"Fake tool cannot be installed: no versions of its packages fit"):
        install_tool("fake")
    assert find_environment(broken) is None and (here / "fake" / "venv").exists()
    made = (here / "fake" / "venv" / "pyvenv.cfg").stat().st_mtime_ns
    use(monkeypatch, replace(fake_known, worker="no_such_worker.py"))
    with pytest.raises(MethodError, match=r"was installed in .* but does not work, and is not used"):
        install_tool("fake")
    assert find_environment(fake_known) is None
    use(monkeypatch, fake_known)
    assert install_tool("fake")["made"]
    assert (here / "fake" / "venv" / "pyvenv.cfg").stat().st_mtime_ns == made
    assert find_environment(fake_known) is not None
    assert find_environment(broken) is None, "an environment for other requirements is used"
    assert not list(here.glob("*.lock"))


def test_two_installs_do_not_meet(fake_known: Recipe, here: Path) -> None:
    (here / "fake.lock").write_text(str(os.getpid()))
    with pytest.raises(MethodError, match="is being installed or removed by another process"):
        install_tool("fake")


def test_a_lock_of_a_dead_process_does_not_hold(
    fake_known: Recipe, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "fake.lock").write_text("99999999")
    monkeypatch.setattr(
        environments, "_make", lambda recipe, progress: (_ for _ in ()).throw(MethodError("made"))
    )
    with pytest.raises(MethodError, match="made"):
        install_tool("fake")
    assert not (here / "fake.lock").exists()


def test_a_full_disk_is_told_before_anything(
    fake_known: Recipe, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, replace(fake_known, size_gb=1e6))
    with pytest.raises(MethodError, match=r"needs about 1e\+06 GB and .* are free"):
        install_tool("fake")


def test_wrong_wishes_are_refused(here: Path) -> None:
    with pytest.raises(MethodError, match=r"no tool named 'celpose'; Veriscope knows"):
        install_tool("celpose")
    with pytest.raises(MethodError, match="leave out --program"):
        install_tool("cellpose", program="x")
    with pytest.raises(MethodError, match="is not installed"):
        uninstall_tool("stardist")


@pytest.mark.parametrize("tool", ["cellpose", "cellpose-sam", "instanseg", "sam", "stardist", "tensorflow"])
def test_every_requirement_is_pinned_to_a_range(tool: str) -> None:
    recipe = recipe_of(tool)
    assert recipe.main and all("<" in line for line in recipe.lines())
    assert recipe.worker_path().is_file()


def test_what_runs_packages_is_listed_and_is_no_method(here: Path) -> None:
    """TensorFlow has an environment and no models of its own."""
    listed = {item["tool"]: item for item in installed_tools()}
    assert not listed["tensorflow"]["methods"] and listed["cellpose"]["methods"]
    assert not any(item["installed"] for item in listed.values())
    with pytest.raises(MethodError, match="tensorflow"):
        get_method("tensorflow:model")
    said = CliRunner().invoke(app, ["models"])
    assert "TensorFlow with Keras: veriscope models install tensorflow" in " ".join(said.output.split())
