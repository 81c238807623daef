"""A fake tool, installed into an environment of its own by the public way."""

from __future__ import annotations

import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from veriscope.methods.base import Card
from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.external_method import ExternalMethod, ExternalParameters
from veriscope.methods.external.find import TOOLS
from veriscope.methods.external.model_paths import given_path, needs_download

FAKE_TOOL = Path(__file__).with_name("fake_tool.py")


class FakeParameters(ExternalParameters):
    mode: str = ""


def fake_wheel(folder: Path) -> Path:
    """A package without dependencies that lends NumPy from the environment of the tests."""
    path = folder / "veriscope_fake_tool-1.2-py3-none-any.whl"
    info = "veriscope_fake_tool-1.2.dist-info"
    files = {
        "veriscope_fake_tool.pth": sysconfig.get_paths()["purelib"] + "\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: veriscope-fake-tool\nVersion: 1.2\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(name, content)
    return path


def fake_module(recipe: Recipe) -> ModuleType:
    """What a file of a tool in the room holds."""

    class FakeMethod(ExternalMethod):
        Parameters = FakeParameters

        @classmethod
        def model_files(cls, environment: Environment) -> list[Path]:
            path = given_path(cls.model)
            if path is None:
                path = environment.weights / f"{cls.model}.weights"
            return needs_download(cls.name, cls.recipe, cls.model, [path])

    FakeMethod.recipe = recipe

    def fake_card(model: str) -> Card:
        return Card(summary=f"A fake tool with {model}.", objects=("disc",), modalities=())

    module: Any = ModuleType("veriscope.methods.external.fake")
    module.FakeMethod, module.fake_card, module.FAKE = FakeMethod, fake_card, recipe
    assert isinstance(module, ModuleType)
    return module


@pytest.fixture(scope="session")
def fake_recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    wheel = fake_wheel(tmp_path_factory.mktemp("wheel"))
    return Recipe(
        tool="fake",
        title="Fake tool",
        packages=("--no-index", "--no-deps", str(wheel)),
        main="veriscope-fake-tool",
        size_gb=0.1,
        worker=str(FAKE_TOOL),
        variables=(("VERISCOPE_FAKE", "{weights}"),),
    )


@pytest.fixture(scope="session")
def fake_known(fake_recipe: Recipe) -> Iterator[Recipe]:
    """Make the tool known, as an entry of the table would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "veriscope.methods.external.fake", fake_module(fake_recipe))
        patch.setitem(TOOLS, "fake", ("fake", "FakeMethod", "fake_card", "FAKE"))
        yield fake_recipe


@pytest.fixture(scope="session")
def fake_installed(fake_known: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install it; gives the folder of environments."""
    from veriscope.zoo.environments import install_tool

    folder = tmp_path_factory.mktemp("external")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERISCOPE_EXTERNAL", str(folder))
        found = install_tool("fake", download=["offered"])
        assert found["made"] and found["version"] == "1.2" and found["weights"] == ["offered.weights"]
        yield folder
