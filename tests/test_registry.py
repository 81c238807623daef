"""Methods of other packages are found by their entry points, and broken ones are named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from veriscope.errors import InputError, MethodError
from veriscope.registry import get_method, make_method, method_names
from veriscope.testing.methods import check_method

PLUGIN = '''
import numpy as np
from skimage.measure import label
from veriscope.core.labels import relabel_sequential
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.methods.base import Card, Method

class Half(Method):
    """Pixels above half the maximum."""
    name = "half"
    version = "1"
    card = Card(summary="Threshold at a share of the maximum.", objects=("spot",), modalities=())

    class Parameters(Settings):
        share: float = 0.5

    def _predict(self, image):
        foreground = image.pixels > self.parameters.share * image.pixels.max()
        if not np.ptp(image.pixels):
            foreground[:] = False
        return Prediction(relabel_sequential(label(foreground)), image.axes)

class Nameless(Method):
    version = "1"

class NoMethod:
    name = "no-method"
'''
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a fake package with entry points, as pip would: a module and a dist-info folder."""

    def install(package: str, source: str = PLUGIN, **entries: str) -> None:
        folder = tmp_path / package
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{package}.py").write_text(source, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name.replace('_', '-')} = {package}:{value}" for name, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[veriscope.methods]", *lines, ""]))
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, package, raising=False)

    return install


def test_built_in_methods_are_listed_in_order() -> None:
    names = method_names()
    assert {"otsu-watershed", "log-spots", "local-threshold-watershed"} <= set(names)
    assert list(names) == sorted(names)


def test_a_plugin_is_found_made_and_keeps_the_contract(install: Install) -> None:
    install("plugin_found", half="Half")
    assert "half" in method_names()
    method = make_method("half", {"share": 0.4})
    assert method.describe() == {
        "name": "half",
        "version": "1",
        "task": "instance",
        "parameters": {"share": 0.4},
    }
    check_method(method)


def test_nothing_is_imported_before_it_is_asked_for(install: Install) -> None:
    install("plugin_untouched", "raise RuntimeError('imported')", half="Half")
    assert "half" in method_names()
    assert get_method("otsu-watershed").name == "otsu-watershed"
    assert "plugin_untouched" not in sys.modules


def test_an_unknown_method_is_answered_with_the_nearest_and_all_names() -> None:
    with pytest.raises(MethodError) as caught:
        get_method("otsu-watershd")
    assert str(caught.value) == (
        "no method named 'otsu-watershd'; did you mean 'otsu-watershed'? "
        f"installed are: {', '.join(method_names())}"
    )


def test_a_name_like_no_other_gets_no_guess() -> None:
    with pytest.raises(MethodError, match=r"^no method named 'zzz'; installed are: "):
        get_method("zzz")


@pytest.mark.parametrize(
    ("source", "entry", "message"),
    [
        (
            "import no_such_package",
            "Half",
            "method 'half' (plugin:Half) cannot be loaded: "
            "ModuleNotFoundError(\"No module named 'no_such_package'\"); reinstall its package",
        ),
        (PLUGIN, "NoMethod", "plugin:NoMethod is not a veriscope method: it must subclass Method"),
        (PLUGIN, "Nameless", "plugin:Nameless is not a complete method: it lacks name, card, _predict"),
        (
            PLUGIN.replace('"half"', '"other"'),
            "Half",
            "plugin:Half calls itself 'other' but is registered as 'half'",
        ),
    ],
)
def test_a_broken_plugin_is_named(install: Install, source: str, entry: str, message: str) -> None:
    install("plugin", source, half=entry)
    with pytest.raises(MethodError) as caught:
        get_method("half")
    assert str(caught.value) == message


def test_two_packages_with_the_same_name_for_a_method_are_refused(install: Install) -> None:
    install("plugin_a", half="Half")
    install("plugin_b", half="Half")
    with pytest.raises(MethodError) as caught:
        method_names()
    assert str(caught.value) == (
        "two packages offer a method named 'half': plugin_b:Half and plugin_a:Half; uninstall one of them"
    )


def test_wrong_parameters_are_refused_with_the_allowed_ones(install: Install) -> None:
    install("plugin_parameters", half="Half")
    with pytest.raises(InputError) as caught:
        make_method("half", {"share": "much", "sahre": 0.4})
    assert str(caught.value) == (
        "method half: wrong options\n"
        "  - share: Input should be a valid number, unable to parse string as a number (got 'much')\n"
        "  - sahre: Extra inputs are not permitted (got 0.4)\n"
        "Options are: share"
    )
