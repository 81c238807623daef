"""Whether a description is valid is said by bioimageio.spec, and by nobody where it is missing."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from veriscope.zoo.read import read_description
from veriscope.zoo.validity import check_validity

from .conftest import Package


def state(package: Package, change: Any = None) -> dict[str, Any]:
    path = package("0.5.3", change=change) / "bioimageio.yaml"
    found: dict[str, Any] = check_validity(path, read_description(path))
    return found


def test_without_the_specification_it_is_readable_no_more(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bioimageio.spec", None)
    found = state(package)
    assert (found["status"], found["by"]) == ("readable", "veriscope")
    assert "pip install bioimageio.spec" in found["text"]


def test_the_specification_says_what_is_wrong(package: Package) -> None:
    pytest.importorskip("bioimageio.spec")
    found = state(package, lambda content: content.update(authors=[{"orcid": "nonsense"}]))
    assert found["status"] == "no"
    assert found["by"].startswith("bioimageio.spec 0.")
    assert "authors" in found["text"]


def test_a_description_that_refers_to_another_model_is_not_followed(package: Package) -> None:
    found = state(package, lambda content: content["inputs"][0].update(output_of="other-model"))
    assert found["status"] == "readable"
    assert "refers to another model" in found["text"]
