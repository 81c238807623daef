"""`convert` by its command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from veriscope.io.images import read_image

from .conftest import Veriscope


def test_convert_says_what_was_written_and_refuses_to_write_it_again(
    veriscope: Veriscope, tmp_path: Path
) -> None:
    pixels = np.arange(6000, dtype=np.uint16).reshape(60, 100)
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib", rowsperstrip=60)
    out = tmp_path / "a.ome.zarr"
    said = veriscope("convert", tmp_path / "a.tif", "-o", out, "--spacing", "0.5", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["spacing"] == {"y": 0.5, "x": 0.5}
    assert (said.json["schema"], said.json["shape"]) == ("veriscope/convert/1", [60, 100])
    np.testing.assert_array_equal(read_image(out).pixels, pixels)
    again = veriscope("convert", tmp_path / "a.tif", "-o", out)
    assert (again.code, again.out) == (1, "")
    assert f"{out}: exists already; choose another name or remove it" in again.err
    plain = veriscope("convert", tmp_path / "a.tif", "-o", tmp_path / "b.ome.zarr", "-q")
    assert (plain.code, plain.out) == (0, f"{tmp_path / 'b.ome.zarr'}: yx, 60 × 100, uint16\n")
    none = veriscope("convert", tmp_path / "none.tif", "-o", tmp_path / "c.ome.zarr", "--json")
    assert none.message.startswith(f"{tmp_path / 'none.tif'}: no such file")
