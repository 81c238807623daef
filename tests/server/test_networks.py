"""Networks of a study in the app: no more trusted than they are, and taken away as packages that work."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import httpx
import pytest
import yaml

from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.zoo.add import open_package
from veriscope.zoo.reproduce import reproduce

NETWORKS = "/api/studies/small/networks"
SHIPPED = Path(str(NucleiFluorescence.package.folder))


@pytest.fixture
def trained(workspace: Path) -> Path:
    """A study with a finished network: that for nuclei, as if it had been trained here."""
    folder = Path(shutil.copytree(SHIPPED, workspace / "small" / "networks" / "mine"))
    described = folder / "bioimageio.yaml"
    content = yaml.safe_load(described.read_text(encoding="utf-8"))
    figures = {"f1@0.5": {"value": 0.9, "low": 0.8, "high": 1.0, "level": 0.95}}
    content["config"]["veriscope"]["training"] = {"steps": 9, "minutes": 1.5, "figures": figures}
    described.write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


@pytest.mark.usefixtures("trained")
def test_figures_of_locked_tiles_do_not_make_a_network_audited(client: httpx.Client) -> None:
    (network,) = client.get(NETWORKS).json()
    assert (network["name"], network["finished"], network["steps"]) == ("mine", True, 9)
    assert network["figures"]["f1@0.5"]["low"] == 0.8
    assert network["evidence"] == "untested"


@pytest.mark.usefixtures("trained")
def test_the_package_is_whole_runs_and_is_the_same_each_time(client: httpx.Client, tmp_path: Path) -> None:
    address = client.get(NETWORKS).json()[0]["package"]
    first, second = client.get(address), client.get(address)
    assert first.status_code == 200 and first.content == second.content
    assert first.headers["content-type"] == "application/zip"
    assert 'filename="mine.zip"' in first.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        archive.extractall(tmp_path / "package")
    assert reproduce(open_package(tmp_path / "package"))["status"] == "yes"
    content = yaml.safe_load((tmp_path / "package" / "bioimageio.yaml").read_text(encoding="utf-8"))
    assert content["config"]["veriscope"]["training"]["steps"] == 9
    assert content["config"]["veriscope"]["card"]["limits"], "the card goes along"


def test_a_package_that_is_damaged_is_not_given(client: httpx.Client, trained: Path) -> None:
    address = client.get(NETWORKS).json()[0]["package"]
    (weights,) = trained.glob("*int8*.onnx") if list(trained.glob("*int8*.onnx")) else trained.glob("*.onnx")
    weights.write_bytes(b"no network")
    answer = client.get(address)
    assert 400 <= answer.status_code < 500, answer.text
    assert str(trained.parents[2]) not in answer.text


@pytest.mark.parametrize("name", ["theirs", "..", "mine%2f..%2f.."])
@pytest.mark.usefixtures("trained")
def test_only_networks_of_the_study_are_given(client: httpx.Client, name: str) -> None:
    assert client.get(f"{NETWORKS}/{name}/package").status_code == 404
