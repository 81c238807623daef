"""Zeiss files of every kind, written with Zeiss's own package, and real ones; whole and damaged."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pylibCZIrw import czi
from tests.io.vendor.checks import check, refusal
from tests.io.vendor.writers import noise, write_czi

from veriscope.errors import InputError
from veriscope.io.images import read_header, read_image
from veriscope.io.regions import StoredImage

PLANE = noise((9, 14))


@pytest.mark.parametrize(
    "packed", [None, "zstd0:", "zstd1:ExplicitLevel=2;PreProcess=HiLoByteUnpack"], ids=str
)
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_grey_of_every_type(tmp_path: Path, kind: str, packed: str | None) -> None:
    pixels = noise((9, 14), kind)
    path = write_czi(tmp_path / "a.czi", [{"data": pixels, "compression_options": packed}])
    header = check(path, pixels, "yx")
    assert header.format == "Zeiss CZI"
    assert header.spacing is None and header.time_step is None
    assert StoredImage(path).chunk_bytes == pixels.nbytes


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_colours_are_stored_blue_first(tmp_path: Path, kind: str) -> None:
    pixels = noise((9, 14, 3), kind)
    path = write_czi(tmp_path / "ümlaut ß.czi", [{"data": pixels}])
    header = check(path, np.moveaxis(pixels[..., ::-1], -1, 0), "cyx")
    assert header.channels == ("red", "green", "blue")
    assert StoredImage(path).chunk_bytes == pixels.nbytes


def test_times_channels_and_planes_with_all_that_is_said_of_them(tmp_path: Path) -> None:
    pixels = noise((2, 3, 4, 9, 14))
    tiles = [{"data": pixels[i], "plane": dict(zip("TCZ", i, strict=True))} for i in np.ndindex(2, 3, 4)]
    names = {0: "DAPI", 1: "GFP", 2: "Cy5"}
    path = write_czi(
        tmp_path / "a.czi", tiles, channel_names=names, scale_x=2.5e-7, scale_y=5e-7, scale_z=2e-6
    )
    header = check(path, pixels, "tczyx")
    assert header.channels == ("DAPI", "GFP", "Cy5")
    assert header.spacing == pytest.approx({"z": 2.0, "y": 0.5, "x": 0.25})


@pytest.mark.parametrize(
    ("positions", "step"),
    [
        ("<Interval><Start>0</Start><Increment>30</Increment></Interval>", 30.0),
        ("<List><Offsets>0 10.5 21</Offsets></List>", 10.5),
        ("<List><Offsets></Offsets></List>", None),
        ("<Interval><Increment>0</Increment></Interval>", None),
    ],
)
def test_time_steps_in_both_forms(tmp_path: Path, positions: str, step: float | None) -> None:
    path = write_czi(tmp_path / "a.czi", [{"data": PLANE, "plane": {"T": t}} for t in range(3)])
    with czi.edit_czi(str(path)) as editor, editor.edit_session() as builder:
        xml = builder.get_xml()
        assert "<Dimensions>" in xml
        builder.set_xml(
            xml.replace("<Dimensions>", f"<Dimensions><T><Positions>{positions}</Positions></T>", 1)
        )
    assert read_header(path).time_step == step


def test_a_mosaic_is_put_together_where_its_tiles_lie(tmp_path: Path) -> None:
    upper, lower = noise((9, 14), seed=1), noise((9, 14), seed=2)
    tiles = [{"data": upper, "location": (-100, -50)}, {"data": lower, "location": (-90, -45)}]
    path = write_czi(tmp_path / "a.czi", tiles)
    whole = np.zeros((14, 24), "u2")
    whole[:9, :14] = upper
    whole[5:, 10:] = lower
    check(path, whole, "yx")
    assert StoredImage(path).chunk_sides == (9, 14)
    corner = (slice(12, 14), slice(0, 3))
    assert not StoredImage(path).read(corner).pixels.any(), "where no tile lies there is nothing"
    gaps = "the tiles of the mosaic do not cover it: pixels between them are 0"
    assert gaps in read_header(path).notes
    beside = [{"data": upper, "location": (0, 0)}, {"data": lower, "location": (14, 0)}]
    planes = [tile | {"plane": {"T": t}} for tile in beside for t in range(2)]
    assert gaps not in read_header(write_czi(tmp_path / "b.czi", planes)).notes


def test_each_scene_is_an_image(tmp_path: Path) -> None:
    other = noise((5, 6), seed=1)
    tiles: list[dict[str, Any]] = [
        {"data": PLANE, "location": (-30, 7)},
        {"data": other, "location": (500, -3), "scene": 1},
    ]
    path = write_czi(tmp_path / "a.czi", tiles)
    with pytest.raises(InputError, match=r"the file has 2 images; choose one with --series.*: 0 \(scene 0: "):
        read_image(path)
    check(path, PLANE, "yx", series=0)
    check(path, PLANE, "yx", series="scene 0")
    check(path, other, "yx", series="scene 1")


def test_scenes_that_lie_over_each_other_stay_apart(tmp_path: Path) -> None:
    tiles = [{"data": noise((9, 14), seed=scene), "scene": scene} for scene in range(2)]
    path = write_czi(tmp_path / "a.czi", tiles)
    for scene in range(2):
        check(path, tiles[scene]["data"], "yx", series=scene)


def test_a_plane_that_was_never_recorded_is_not_black(tmp_path: Path) -> None:
    planes = [{"data": PLANE, "plane": {"T": t, "C": c}} for t, c in ((0, 0), (0, 1), (1, 0))]
    path = write_czi(tmp_path / "a.czi", planes)
    assert "a plane is not in the file: the recording was stopped before it" in refusal(path)
    everything = (slice(0, 9), slice(0, 14))
    np.testing.assert_array_equal(
        StoredImage(path).read((slice(0, 1), slice(1, 2), *everything)).pixels[0, 0], PLANE
    )
    two = [{"data": PLANE, "plane": {"T": t, "C": 0}, "scene": s} for t, s in ((0, 0), (0, 1), (1, 0))]
    assert "a plane is not in the file" in refusal(write_czi(path, two), series=1)


def test_planes_that_are_black_are_read(tmp_path: Path) -> None:
    black = np.zeros((9, 14), "u2")
    planes = [{"data": black, "plane": {"T": t}, "scene": s} for t in range(2) for s in range(2)]
    check(write_czi(tmp_path / "a.czi", planes), np.zeros((2, 9, 14), "u2"), "tyx", series=1)
    check(write_czi(tmp_path / "b.czi", [{"data": black, "plane": {"T": 5}}]), black, "yx")


def test_channels_of_several_types_are_refused(tmp_path: Path) -> None:
    planes = [{"data": noise((9, 14), kind), "plane": {"C": c}} for c, kind in enumerate(("u1", "u2"))]
    said = refusal(write_czi(tmp_path / "a.czi", planes))
    assert "its channels have the pixel types Gray16, Gray8" in said


@pytest.mark.parametrize("length", [10, 40, 90, 600, 1000, -600])
def test_cut_off_at_any_length(tmp_path: Path, length: int) -> None:
    path = write_czi(tmp_path / "a.czi", [{"data": PLANE}])
    path.write_bytes(path.read_bytes()[:length])
    assert "was a copy interrupted?" in refusal(path)


def test_a_list_at_the_front_does_not_hide_that_the_file_is_cut_off(tmp_path: Path) -> None:
    """As microscopes may write it: the list of tiles before them."""
    path = write_czi(tmp_path / "a.czi", [{"data": PLANE, "location": (x, 0)} for x in (14, 0)])
    content = path.read_bytes()
    place, metadata = struct.unpack_from("<2Q", content, 84)
    (size,) = struct.unpack_from("<Q", content, place + 16)
    moved, first = content[place : place + 32 + size], content.index(b"ZISRAWSUBBLOCK\0\0")
    last = content.index(b"ZISRAWSUBBLOCK\0\0", first + 1)
    for tile in (first, last):
        moved = moved.replace(struct.pack("<Q", tile), struct.pack("<Q", tile + len(moved)))
    places = struct.pack("<2Q", first, metadata + len(moved))
    path.write_bytes(content[:84] + places + content[100:first] + moved + content[first:])
    check(path, np.hstack([PLANE, PLANE]), "yx")
    end = last + len(moved) + 300
    path.write_bytes(path.read_bytes()[:end])
    assert f"but the file ends at {end})" in refusal(path)


def test_a_list_of_tiles_that_would_crash_the_package_is_refused_before(tmp_path: Path) -> None:
    path = write_czi(tmp_path / "a.czi", [{"data": PLANE}, {"data": PLANE, "location": (14, 0)}])
    content = bytearray(path.read_bytes())
    (place,) = struct.unpack_from("<Q", content, 84)
    entry = place + 160
    (n_dimensions,) = struct.unpack_from("<I", content, entry + 28)
    assert content[entry : entry + 2] == b"DV" and 2 < n_dimensions < 20
    for start in (entry, entry + 32 + 20 * n_dimensions):
        for wrong in (41, 91, 2**31 - 1, 2**32 - 1):
            damaged = bytearray(content)
            struct.pack_into("<I", damaged, start + 28, wrong)
            path.write_bytes(damaged)
            assert f"its structure is broken (a tile has {wrong} dimensions)" in refusal(path)


def test_damage_to_any_byte_ends_neither_the_process_nor_in_another_error(tmp_path: Path) -> None:
    """In a process of its own: the package is not written in Python."""
    write_czi(tmp_path / "a.czi", [{"data": noise((20, 30)), "plane": {"C": c}} for c in range(3)])
    program = """
import sys
from pathlib import Path
import numpy as np
from veriscope.errors import VeriscopeError
from veriscope.io.regions import StoredImage
path, dice = Path(sys.argv[1]), np.random.default_rng(0)
whole, tried = path.read_bytes(), 0
for tried in range(1, 151):
    content = bytearray(whole)
    for place in dice.integers(0, len(whole), 1 + tried % 9):
        content[place] = dice.choice([0, 1, 127, 255, dice.integers(256)])
    path.write_bytes(content)
    try:
        stored = StoredImage(path)
        stored.read(tuple(slice(0, min(n, 30)) for n in stored.header.shape))
    except VeriscopeError as error:
        assert str(error).startswith(f"{path}: "), error
print(tried)
"""
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.czi"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "150\n"), run.stderr


def stored_planes(path: Path) -> dict[tuple[int, int, int], NDArray[np.uint16]]:
    """Read the unpacked planes of a file by its published layout, by time, channel and depth."""
    content, found = path.read_bytes(), {}
    at = content.find(b"ZISRAWSUBBLOCK\0\0")
    while at >= 0:
        n_metadata, _, n_bytes = struct.unpack_from("<IIQ", content, at + 32)
        (n_dimensions,) = struct.unpack_from("<I", content, at + 48 + 28)
        dimensions = [struct.unpack_from("<4sii", content, at + 80 + 20 * i) for i in range(n_dimensions)]
        starts = {name.strip(b"\0").decode(): start for name, start, _ in dimensions}
        sizes = {name.strip(b"\0").decode(): size for name, _, size in dimensions}
        start = at + 32 + max(256, 48 + 20 * n_dimensions) + n_metadata
        pixels = np.frombuffer(content[start : start + n_bytes], "<u2").reshape(sizes["Y"], sizes["X"])
        found[starts["T"], starts["C"], starts["Z"]] = pixels
        at = content.find(b"ZISRAWSUBBLOCK\0\0", start)
    return found


@pytest.mark.real_data
def test_a_real_file(vendor: Path) -> None:
    path = vendor / "CD_s_1_t_3_c_2_z_5.czi"
    planes = stored_planes(path)
    pixels = np.stack([planes[i] for i in np.ndindex(3, 2, 5)]).reshape(3, 2, 5, 170, 240)
    header = check(path, pixels, "tczyx")
    assert header.channels == ("LED555", "LED470")
    assert header.spacing == pytest.approx({"z": 0.32, "y": 0.0905767, "x": 0.0905767}, rel=1e-5)
    assert header.time_step == pytest.approx(60.075)
