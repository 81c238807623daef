"""Fiji's regions: damaged bytes, and many regions in one archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from roifile import ROI_TYPE, ImagejRoi

from veriscope.errors import AxesError, UnreadableFileError, VeriscopeError
from veriscope.io.annotations.fiji import read_fiji_rois
from veriscope.io.annotations.read import read_annotation

TRIANGLE = ImagejRoi.frompoints(np.array([[2, 2], [12, 2], [2, 12]], float))
OVAL = ImagejRoi(roitype=ROI_TYPE.OVAL, left=1, top=2, right=9, bottom=8)


def packed(**regions: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in regions.items():
            archive.writestr(f"{name}.roi", content)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["triangle.roi", "oval.roi", "both.zip"])
def test_a_damaged_byte_gives_a_region_or_a_reason(tmp_path: Path, name: str) -> None:
    whole = {
        "triangle.roi": TRIANGLE.tobytes(),
        "oval.roi": OVAL.tobytes(),
        "both.zip": packed(a=TRIANGLE.tobytes(), b=OVAL.tobytes()),
    }[name]
    path = tmp_path / name
    refused = 0
    for place in range(len(whole)):
        for value in (0, 127, 255):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                found = read_annotation(path, (20, 20))
            except VeriscopeError as error:
                refused += 1
                assert str(error).startswith(f"{path}: ")
            else:
                assert found.labels.max() == found.n_objects <= 2
    assert refused > 0


def test_a_directory_of_the_archive_and_other_files_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "my ROI set – ü.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("regions")
        archive.writestr("regions/0001 ü.ROI", TRIANGLE.tobytes())
        archive.writestr("readme.md", "text")
        archive.writestr(".DS_Store", b"\0")
    outlines, notes = read_fiji_rois(path)
    assert (len(outlines), notes) == (1, [])


def test_a_thousand_regions_keep_their_order(tmp_path: Path) -> None:
    # Later over earlier: region i covers the columns from i on.
    regions = {
        f"r{i:04d}": ImagejRoi(roitype=ROI_TYPE.RECT, left=i, top=0, right=40, bottom=2).tobytes()
        for i in range(40)
    }
    path = tmp_path / "a.zip"
    path.write_bytes(packed(**regions))
    found = read_annotation(path, (2, 40))
    assert found.labels[0].tolist() == list(range(1, 41))


@pytest.mark.parametrize("field", ["position", "c_position", "z_position", "t_position"])
def test_one_slice_one_channel_one_time(tmp_path: Path, field: str) -> None:
    other = ImagejRoi.frombytes(OVAL.tobytes())
    setattr(other, field, 2)
    path = tmp_path / "a.zip"
    path.write_bytes(packed(a=TRIANGLE.tobytes(), b=other.tobytes()))
    with pytest.raises(AxesError, match="its regions lie on 2 different slices"):
        read_fiji_rois(path)
    path.write_bytes(packed(b=other.tobytes()))
    assert len(read_fiji_rois(path)[0]) == 1  # all on the same slice, whichever


def test_too_many_entries_are_refused_before_one_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veriscope.io.annotations.fiji._MOST_ENTRIES", 3)
    path = tmp_path / "a.zip"
    path.write_bytes(packed(**{f"r{i}": OVAL.tobytes() for i in range(4)}))
    with pytest.raises(UnreadableFileError, match=r"in 4 entries.*allowed are 536870912 in 3"):
        read_fiji_rois(path)
