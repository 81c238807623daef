"""Models for click-to-segment are added whole, verified and tried, or not at all."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import InputError, MethodError, UnreadableFileError
from veriscope.methods.prompts.prompt import Prompt, PromptPoint
from veriscope.zoo.segmenter_cache import load_segmenter, read_segmenter, segmenter_names
from veriscope.zoo.segmenters import add_segmenter, is_segmenter_source, remove_segmenter


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path: Path, tiny_segmenter: Path) -> Path:
    """The files as samexporter names them, in a folder of their own."""
    folder = tmp_path / "Tiny SAM"
    folder.mkdir()
    for part in ("encoder", "decoder"):
        shutil.copyfile(tiny_segmenter / f"{part}.onnx", folder / f"tiny_sam.{part}.onnx")
    return folder


def left(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob("*") if path.is_file()]


def test_what_was_added_is_found_opened_and_removed(cache: Path, model: Path) -> None:
    assert segmenter_names() == ()
    added = add_segmenter(str(model), licence="Apache-2.0")
    assert (added.name, added.card.licence, added.side) == ("segmenter:tiny-sam", "Apache-2.0", 1024)
    assert set(added.seconds) == {"image", "click"} and all(value >= 0 for value in added.seconds.values())
    assert segmenter_names() == ("segmenter:tiny-sam",)
    assert read_segmenter("tiny-sam") == read_segmenter("segmenter:tiny-sam") == added

    shutil.rmtree(model)  # the cache holds everything
    opened = load_segmenter("segmenter:tiny-sam", threads=1)
    y, x = np.mgrid[:90, :70]
    disc = np.hypot(y - 40, x - 30) < 15
    found = opened.segment(opened.embed((disc * 999).astype(np.uint16)[None]), Prompt((PromptPoint(40, 30),)))
    assert np.count_nonzero(found.mask ^ disc) < 0.1 * disc.sum()

    remove_segmenter("segmenter:tiny-sam")
    assert segmenter_names() == () and left(cache) == []
    with pytest.raises(MethodError) as caught:
        load_segmenter("segmenter:tiny-sam")
    assert str(caught.value) == (
        "no model for click-to-segment named 'segmenter:tiny-sam'; added are: none. Add one with veriscope "
        "models add FOLDER, a folder with its encoder and decoder as ONNX files"
    )
    with pytest.raises(MethodError, match="no model for click-to-segment"):
        remove_segmenter("segmenter:tiny-sam")


def test_adding_it_again_is_no_fault_and_another_of_its_name_is(cache: Path, model: Path) -> None:
    first = add_segmenter(str(model), name="Mine")
    assert add_segmenter(str(model), name="mine").files == first.files
    encoder = model / "tiny_sam.encoder.onnx"
    encoder.write_bytes(encoder.read_bytes() + b"\x32\x00")  # an empty metadata field: another hash
    with pytest.raises(
        MethodError, match=r"another model named segmenter:mine was added before; remove that"
    ):
        add_segmenter(str(model), name="mine")
    assert read_segmenter("mine").files == first.files
    assert add_segmenter(str(model), name="other").name == "segmenter:other"


def test_what_its_authors_say_is_kept(cache: Path, model: Path) -> None:
    (model / "segmenter.yaml").write_text(
        "name: Tiny\nsummary: finds discs\nlicence: MIT\ncitation: Nobody 1900\ntraining_data: none\n"
    )
    card = add_segmenter(str(model), licence="MIT").card
    assert (card.name, card.summary, card.licence, card.citation) == (
        "Tiny",
        "finds discs",
        "MIT",
        "Nobody 1900",
    )
    assert segmenter_names() == ("segmenter:tiny",)


@pytest.mark.parametrize("level", ["", "model/"])
def test_an_archive_is_a_folder(cache: Path, model: Path, tmp_path: Path, level: str) -> None:
    with zipfile.ZipFile(tmp_path / "sam.zip", "w") as archive:
        for path in model.iterdir():
            archive.write(path, level + path.name)
    assert is_segmenter_source(str(tmp_path / "sam.zip"))
    assert add_segmenter(str(tmp_path / "sam.zip")).name == "segmenter:sam"


def test_packages_and_addresses_are_something_else(model: Path, tmp_path: Path) -> None:
    assert is_segmenter_source(str(model))
    (model / "rdf.yaml").write_text("type: model")
    assert not is_segmenter_source(str(model))
    (tmp_path / "broken.zip").write_bytes(b"PK nothing")
    for other in (
        "affable-shark",
        "https://example.org/sam.zip",
        str(tmp_path),
        str(tmp_path / "broken.zip"),
    ):
        assert not is_segmenter_source(other)


@pytest.mark.parametrize(
    ("described", "says"),
    [
        (
            "sha256: {tiny_sam.encoder.onnx: '00'}",
            "says 00: the file was changed or damaged; get the model anew",
        ),
        (
            "sha256: {other.onnx: '00'}",
            "states the SHA-256 of other.onnx; its files are tiny_sam.encoder.onnx, tiny_sam.decoder.onnx",
        ),
        ("author: me", "author: Extra inputs are not permitted"),
        ("licence: MIT", "--licence says 'Apache-2.0' and"),
        ("name: !!python/object:os.system {}", "is no YAML of plain values"),
    ],
)
def test_a_wrong_description_is_refused(cache: Path, model: Path, described: str, says: str) -> None:
    (model / "segmenter.yaml").write_text(described)
    with pytest.raises(InputError) as caught:
        add_segmenter(str(model), licence="Apache-2.0")
    assert says in str(caught.value) and left(cache) == []


def test_files_that_are_missing_or_too_many_are_named(cache: Path, model: Path) -> None:
    decoder = model / "tiny_sam.decoder.onnx"
    shutil.copyfile(decoder, model / "quantised.decoder.onnx")
    with pytest.raises(
        UnreadableFileError, match=r"has quantised\.decoder\.onnx, tiny_sam\.decoder\.onnx; a model"
    ):
        add_segmenter(str(model))
    (model / "quantised.decoder.onnx").unlink()
    decoder.unlink()
    with pytest.raises(UnreadableFileError, match=r"has no \*decoder\*\.onnx"):
        add_segmenter(str(model))
    decoder.symlink_to(model / "tiny_sam.encoder.onnx")
    with pytest.raises(UnreadableFileError, match="is a link; give a folder that holds the files themselves"):
        add_segmenter(str(model))
    assert left(cache) == []


def test_what_cannot_run_is_not_kept(cache: Path, model: Path, tmp_path: Path) -> None:
    decoder = model / "tiny_sam.decoder.onnx"
    content = decoder.read_bytes()
    decoder.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        MethodError, match=r"the decoder of segmenter:tiny-sam: ONNX Runtime .* cannot load it"
    ):
        add_segmenter(str(model))
    with zipfile.ZipFile(tmp_path / "cut.zip", "w") as archive:
        for path in model.iterdir():
            archive.write(path, path.name)
        archive.writestr("segmenter.yaml", "colour: red")
    with pytest.raises(InputError) as caught:
        add_segmenter(str(tmp_path / "cut.zip"))
    assert str(tmp_path / "cut.zip") in str(caught.value)  # not the place where it was unpacked
    assert left(cache) == [] and segmenter_names() == ()


def test_files_changed_after_they_were_verified_are_not_opened(cache: Path, model: Path) -> None:
    add_segmenter(str(model), name="mine")
    kept = cache / "segmenters" / "mine" / "encoder.onnx"
    kept.write_bytes(kept.read_bytes() + b"\x32\x00")
    with pytest.raises(MethodError, match=r"segmenter:mine: encoder\.onnx was changed after it was verified"):
        load_segmenter("mine")
    kept.unlink()
    with pytest.raises(UnreadableFileError, match=r"encoder\.onnx: cannot be read.*add the model anew"):
        load_segmenter("mine")


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "veriscope/segmenter/1"}'])
def test_a_damaged_record_is_said(cache: Path, model: Path, content: str) -> None:
    add_segmenter(str(model), name="mine")
    (cache / "segmenters" / "mine" / "record.json").write_text(content)
    with pytest.raises(UnreadableFileError, match="is damaged or of another version; remove its folder"):
        read_segmenter("mine")
    assert segmenter_names() == ("segmenter:mine",)


def test_the_record_says_where_it_came_from(cache: Path, model: Path) -> None:
    add_segmenter(str(model), name="mine")
    said = json.loads((cache / "segmenters" / "mine" / "record.json").read_text())
    assert said["schema"] == "veriscope/segmenter/1" and said["source"] == str(model)
    assert sorted(said["files"]) == ["decoder.onnx", "encoder.onnx"]
