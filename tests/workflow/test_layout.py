"""The table of images as a person or a spreadsheet may leave it: read, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import StudyError
from veriscope.workflow.layout import StudyFolder, StudyImage

IMAGE = StudyImage(
    image_id="a01",
    group="drug, 1 µM",
    replicate="m1",
    source="plate 1/a01.tif",
    sha256="0" * 64,
    path="images/a01.ome.zarr",
    axes="cyx",
    shape="2x40x48",
    dtype="uint16",
    spacing="y=0.5;x=0.25",
    channels="DNA;actin",
)
OTHER = StudyImage(**{name: getattr(IMAGE, name) for name in IMAGE.__slots__} | {"image_id": "a02"})

WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    found = StudyFolder(tmp_path)
    found.write_images([IMAGE, OTHER])
    return found


def test_sizes_of_pixels_and_images_by_hand(folder: StudyFolder) -> None:
    image, _ = folder.images()
    assert image == IMAGE
    assert (image.spatial_shape, image.pixel_area, image.spacing_text) == ((40, 48), 0.125, "0.5 × 0.25 µm")


def test_channels_by_name_and_number() -> None:
    plain = StudyImage(**{name: getattr(IMAGE, name) for name in IMAGE.__slots__} | {"channels": ""})
    assert (IMAGE.channel_names, IMAGE.n_channels) == (("DNA", "actin"), 2)
    assert (plain.channel_names, plain.n_channels) == ((), 1)


@given(WORDS, WORDS, WORDS)
def test_any_words_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, name: str, group: str, replicate: str
) -> None:
    """Also NA, null, 1e5, 007, quotes, commas and line separators of any alphabet."""
    folder = StudyFolder(tmp_path_factory.mktemp("study"))
    values = {slot: getattr(IMAGE, slot) for slot in IMAGE.__slots__}
    image = StudyImage(**values | {"image_id": name, "group": group, "replicate": replicate})
    folder.write_images([image])
    assert folder.images() == (image,)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_part_of_the_table(folder: StudyFolder, encoding: str) -> None:
    text = folder.images_table.read_text(encoding="utf-8")
    folder.images_table.write_text(text, encoding=encoding)
    assert folder.images() == (IMAGE, OTHER)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (",", ";", "is not a table of images"),
        ("image_id", "name", "is not a table of images"),
        ("2x40x48", "2x40", "image 'a01': axes 'cyx' and shape '2x40' do not fit"),
        ("2x40x48", "2x40xwide", "image 'a01': shape '2x40xwide'"),
        ("y=0.5;x=0.25", "y=0,5;x=0,25", "is not a table of images"),
        ("y=0.5;x=0.25", "half a micron", "spacing 'half a micron', reading '' or plane '' cannot be read"),
        ("y=0.5;x=0.25", "z=1", "spacing 'z=1', reading '' or plane '' cannot be read"),
        ("cyx", "", "image 'a01': axes '' and shape '2x40x48' do not fit"),
        ("a02", "a01", "names an image twice"),
    ],
)
def test_a_damaged_table_is_refused_with_what_to_do(
    folder: StudyFolder, before: str, after: str, message: str
) -> None:
    text = folder.images_table.read_text(encoding="utf-8")
    folder.images_table.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        folder.images()
    assert str(caught.value).startswith(f"{folder.images_table}: ")
    assert message in str(caught.value)
    assert str(caught.value).endswith("; restore it, or make the study again")


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"image_id\n", b"PK\x03\x04"])
def test_what_is_no_table_is_refused(folder: StudyFolder, content: bytes) -> None:
    folder.images_table.write_bytes(content)
    with pytest.raises(StudyError, match=r"images\.csv: .*; restore it, or make the study again"):
        folder.images()


def test_a_table_without_images_is_refused(folder: StudyFolder) -> None:
    head = folder.images_table.read_text(encoding="utf-8").splitlines()[0]
    folder.images_table.write_text(head + "\n", encoding="utf-8")
    with pytest.raises(StudyError, match="lists no image; restore it, or make the study again"):
        folder.images()


def test_a_study_without_a_table_is_not_complete(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        StudyFolder(tmp_path).images()
    assert str(caught.value) == f"{tmp_path} has no images.csv; it is not a complete study"
