"""What holds for the files of every microscope maker."""

from __future__ import annotations

import json
import math
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.io.vendor.checks import refusal
from tests.io.vendor.writers import Deltavision, LifPicture, noise, write_czi, write_dv, write_lif

from veriscope.cli import main
from veriscope.errors import UnreadableFileError
from veriscope.io.images import find_reader, read_header, read_image
from veriscope.io.regions import StoredImage
from veriscope.io.vendor.frames import sides_of, step_of

PIXELS = noise((2, 3, 9, 14))
WRITERS: dict[str, Callable[[Path], Path]] = {
    "a.czi": lambda path: write_czi(
        path, [{"data": PIXELS[c, z], "plane": {"C": c, "Z": z}} for c, z in np.ndindex(2, 3)]
    ),
    "a.lif": lambda path: write_lif(path, [LifPicture("a", PIXELS, "CZYX")]),
    "a.dv": lambda path: write_dv(path, Deltavision(PIXELS[:, None])),
}
REAL = {
    "CD_s_1_t_3_c_2_z_5.czi": 0,
    "LeicaLASX_wavelength-sweep_example.lif": 2,
    "cluster.nd2": 0,
    "toxo.dv": 0,
}
HEADS = {
    "a.czi": (b"ZISRAWFILE", "pylibCZIrw.czi", "Zeiss CZI"),
    "a.lif": (b"\x70\0\0\0\x05\0\0\0\x2a\0\0\0\0", "liffile", "Leica LIF"),
    "a.nd2": (b"\xda\xce\xbe\n", "nd2", "Nikon ND2"),
    "a.dv": (bytes(96) + b"\xa0\xc0", "mrc", "DeltaVision"),
}


@pytest.mark.parametrize("name", HEADS)
def test_without_its_package_a_file_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    head, package, kind = HEADS[name]
    (tmp_path / name).write_bytes(head + bytes(3000))
    monkeypatch.setitem(sys.modules, package, None)
    said = refusal(tmp_path / name)
    assert said.startswith(f"is a {kind} file, and what reads such files is not installed (")
    assert said.endswith(
        "); install it with: pip install 'veriscope[formats]', or open the file in Fiji (Bio-Formats) and "
        "save it as OME-TIFF"
    )


def test_no_package_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    path = WRITERS["a.dv"](tmp_path / "a.dv")
    program = (
        "import sys, veriscope.io.images as images\n"
        "names = ('nd2', 'liffile', 'mrc', 'pylibCZIrw', '_pylibCZIrw')\n"
        "print([name in sys.modules for name in names])\n"
        "images.read_header(sys.argv[1])\n"
        "print([name in sys.modules for name in names])\n"
    )
    run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [str([False] * 5), str([False, False, True, False, False])]


@pytest.mark.parametrize("name", HEADS)
def test_what_is_no_such_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    assert refusal(path).startswith("the file is empty (0 bytes)")
    path.write_text("mean area of all nuclei\n" * 9)
    assert refusal(path).startswith("looks like text, not like the image its name promises")
    dice = np.random.default_rng(0)
    for _ in range(20):
        path.write_bytes(HEADS[name][0] + dice.bytes(3000))
        assert "Fiji (Bio-Formats)" in refusal(path)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_at_any_tenth_is_refused_and_never_read_as_less(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name)
    np.testing.assert_array_equal(read_image(path).pixels, PIXELS)
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        refusal(path)
    path.write_bytes(whole[:-1] if name != "a.czi" else whole[: len(whole) * 99 // 100])
    refusal(path)


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("keep", ["half", "all but the end", "the head and noise"])
def test_damaged_real_files_are_refused(vendor: Path, tmp_path: Path, name: str, keep: str) -> None:
    whole, path = (vendor / name).read_bytes(), tmp_path / name
    damaged = {
        "half": whole[: len(whole) // 2],
        "all but the end": whole[:-50_000],
        "the head and noise": whole[:98] + np.random.default_rng(0).bytes(len(whole) - 98),
    }
    path.write_bytes(damaged[keep])
    assert "was a copy interrupted?" in refusal(path, series=REAL[name])


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_any_part_is_that_part_of_the_whole(vendor: Path, name: str) -> None:
    path, series = vendor / name, REAL[name]
    whole, stored = read_image(path, series=series), StoredImage(path, series=series)

    @settings(max_examples=15)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        region = []
        for size in whole.shape:
            start = data.draw(st.integers(0, size - 1))
            region.append(slice(start, data.draw(st.integers(start + 1, min(size, start + 40)))))
        part = stored.read(tuple(region))
        np.testing.assert_array_equal(part.pixels, whole.pixels[tuple(region)])

    compare()


@pytest.mark.real_data
def test_other_processes_read_the_same(vendor: Path) -> None:
    images = [StoredImage(vendor / name, series=series) for name, series in REAL.items()]
    program = (
        "import pickle, sys\n"
        "for stored in pickle.load(sys.stdin.buffer):\n"
        "    image = stored.read(tuple(slice(n // 2, n) for n in stored.header.shape))\n"
        "    print(stored.path.name, image.pixels.sum(dtype=int))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(images), capture_output=True, check=True
    )
    expected = []
    for stored in images:
        part = stored.read(tuple(slice(n // 2, n) for n in stored.header.shape))
        expected.append(f"{stored.path.name} {part.pixels.sum(dtype=int)}")
    assert run.stdout.decode().splitlines() == expected


@pytest.mark.parametrize("name", WRITERS)
def test_a_name_does_not_make_a_file_but_deltavision_needs_it(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name)
    other = shutil.copy(path, tmp_path / "b.tif")
    if name == "a.dv":
        assert "TIFF" in refusal(other)
    else:
        assert read_header(other).format == read_header(path).format == find_reader(other).name


@pytest.mark.parametrize("name", WRITERS)
def test_info_tells_what_is_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = WRITERS[name](tmp_path / name)
    monkeypatch.setattr(sys, "argv", ["veriscope", "info", str(path), "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    (said,) = json.loads(capsys.readouterr().out)["images"]
    assert (said["format"], said["axes"], said["shape"]) == (find_reader(path).name, "czyx", [2, 3, 9, 14])


def test_more_memory_than_there_is_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = WRITERS["a.lif"](tmp_path / "a.lif")

    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("veriscope.io.vendor.frames.np.empty", refuse)
    with pytest.raises(UnreadableFileError, match="needs more memory than there is"):
        read_image(path)


@given(st.lists(st.floats(-1e6, 1e6), max_size=9))
def test_a_step_is_above_zero_or_unknown(places: list[float]) -> None:
    step = step_of(places)
    assert step is None or (step > 0 and math.isfinite(step))
    assert step == step_of(places[::-1])


def test_steps_and_sides() -> None:
    assert step_of([3.0, 1.0, -1.0]) == 2.0
    assert step_of([0.0, 10.0, 20.0, 500.0]) == 10.0
    for places in ([], [4.0], [4.0, 4.0], [0.0, math.inf]):
        assert step_of(places) is None
    assert sides_of([1, np.int32(5)]) == (1, 5)
    for sides in ((3, 0), (-1, 3)):
        with pytest.raises(ValueError, match=" × ".join(map(str, sides))):
            sides_of(sides)
