"""Other methods: named with what speaks against them, and let in without changing what is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest

from veriscope.workflow.config import read_config

OTHERS = "/api/studies/small/candidates/others"
CANDIDATES = "/api/studies/small/candidates"


def test_others_are_named_with_what_speaks_against_them(reader: httpx.Client) -> None:
    found = {other["card"]["name"]: other for other in reader.get(OTHERS).json()}
    assert not {"otsu-watershed", "log-spots"} & found.keys()  # they compete already
    assert found["local-threshold-watershed"]["remarks"] == []
    assert found["nuclei-histology"]["fits"] is False
    assert found["nuclei-histology"]["remarks"][0] == ("It sees 3 channels at once; these images have 1.")
    assert "It was made for cell, not for nucleus." in found["cells-phase-contrast"]["remarks"]
    assert "It learns from training tiles that you annotate." in found["pixel-forest"]["remarks"]
    fits = [other["fits"] for other in found.values()]
    assert fits == sorted(fits, reverse=True)


def test_what_the_images_are_taken_for_is_said(reader: httpx.Client) -> None:
    detail = reader.get("/api/studies/small").json()
    assert detail["modalities"] == ["fluorescence"]
    found = {other["card"]["name"]: other for other in reader.get(OTHERS).json()}
    said = "It was made for phase-contrast images, and these are fluorescence."
    assert said in found["cells-phase-contrast"]["remarks"] and found["cells-phase-contrast"]["fits"]


def test_a_model_that_cannot_be_read_is_named_and_hides_no_other(
    reader: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path))
    record = tmp_path / "models" / "broken" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    found = {other["name"]: other for other in reader.get(OTHERS).json()}
    broken = found["zoo:broken"]
    assert broken["card"] is None and broken["fits"] is False
    assert "was written by another version" in broken["remarks"][0]
    assert str(tmp_path) not in broken["remarks"][0], "where models lie is nobody's business"
    assert found["local-threshold-watershed"]["card"]["summary"]
    answer = reader.post(CANDIDATES, json={"method": "zoo:broken"})
    assert answer.status_code == 409 and str(tmp_path) not in answer.text


def test_what_is_gone_from_the_disk_does_not_count_as_done(client: httpx.Client, workspace: Path) -> None:
    before = client.get(CANDIDATES).json()[0]
    assert before["state"] == "current" and before["n_images_done"] == before["n_images"]
    images = client.get(f"{CANDIDATES}/{before['id']}/images").json()
    lost = next(image for image in images if image["n_objects"])
    shutil.rmtree(workspace / "small" / "predictions" / before["id"] / f"{lost['id']}.ome.zarr")
    after = client.get(CANDIDATES).json()[0]
    assert (after["state"], after["n_images_done"]) == ("partial", before["n_images"] - 1)
    assert after["n_objects"] == before["n_objects"] - lost["n_objects"]
    shutil.rmtree(workspace / "small" / "predictions" / before["id"])
    none = client.get(CANDIDATES).json()[0]
    assert (none["state"], none["n_images_done"], none["n_objects"]) == ("not-run", 0, None)


def test_another_method_is_let_in(client: httpx.Client, workspace: Path) -> None:
    before = client.get("/api/studies/small/answer").json()
    added = client.post(CANDIDATES, json={"method": "local-threshold-watershed"})
    assert added.status_code == 201
    assert [(row["id"], row["state"]) for row in added.json()][-1] == ("local-threshold-watershed", "not-run")
    config = read_config(workspace / "small" / "study.yaml")
    assert [item.method for item in config.candidates][-1] == "local-threshold-watershed"
    assert client.get("/api/studies/small/answer").json() == before
    names = [other["card"]["name"] for other in client.get(OTHERS).json()]
    assert "local-threshold-watershed" not in names
    assert client.post(CANDIDATES, json={"method": "local-threshold-watershed"}).status_code == 409


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [
        ("nuclei-histology", 409, "cannot run here: It sees 3 channels at once"),
        ("otsu-watershed", 409, "is no method that could be added"),
        ("network:/etc", 409, "is no method that could be added"),
        ("../../x", 409, "is no method that could be added"),
        ("", 422, "method"),
    ],
)
def test_methods_that_cannot_be_let_in(
    client: httpx.Client, workspace: Path, method: str, status: int, words: str
) -> None:
    before = (workspace / "small" / "study.yaml").read_bytes()
    answer = client.post(CANDIDATES, json={"method": method})
    assert answer.status_code == status and words in answer.json()["detail"], answer.text
    assert (workspace / "small" / "study.yaml").read_bytes() == before
