"""Files with wrong bytes in them are read or refused, and nothing else happens."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from roifile import ImagejRoi

from veriscope.errors import VeriscopeError
from veriscope.io.annotations.read import read_annotation
from veriscope.io.images import read_image

STACK = np.random.default_rng(0).integers(0, 3000, (4, 20, 22), dtype=np.uint16)
TIFFS: dict[str, dict[str, Any]] = {
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX", "unit": "um"}, "resolution": (2, 2)},
    "ome": {"ome": True, "metadata": {"axes": "CYX", "PhysicalSizeX": 1}},
    "zlib": {"photometric": "minisblack", "compression": "zlib"},
    "tiled": {"photometric": "minisblack", "compression": "lzw", "tile": (16, 16)},
    "big": {"photometric": "minisblack", "bigtiff": True},
}
KINDS = [*TIFFS, "png", "palette", "jpg", "bmp", "roi", "geojson"]


def make(folder: Path, kind: str) -> Path:
    if kind in TIFFS:
        path = folder / "a.tif"
        tifffile.imwrite(path, STACK, **TIFFS[kind])
    elif kind == "roi":
        path = folder / "a.roi"
        ImagejRoi.frompoints(np.array([[2, 2], [9, 2], [5, 9.5]])).tofile(path)
    elif kind == "geojson":
        path = folder / "a.geojson"
        ring = "[[[1,1],[5,1],[5,5],[1,1]]]"
        path.write_text(f'[{{"geometry":{{"type":"Polygon","coordinates":{ring}}},"properties":{{}}}}]')
    else:
        picture = Pillow.fromarray(STACK[0].astype(np.uint8))
        path = folder / f"a.{'png' if kind == 'palette' else kind}"
        (picture.convert("P") if kind == "palette" else picture).save(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_are_read_or_refused(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path, kind)
    whole = path.read_bytes()
    dice = random.Random(kind)
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(dice.choice([1, 2, 5])):
            content[dice.randrange(min(len(content), dice.choice([60, 400])))] = dice.choice(
                [0, 1, 255, dice.randrange(256)]
            )
        path.write_bytes(bytes(content))
        try:
            if kind in ("roi", "geojson"):
                read_annotation(path, (20, 20))
            else:
                read_image(path)
        except VeriscopeError as error:
            assert str(path) in str(error) or path.name in str(error)
            refused += 1
    assert refused > 5
    assert caplog.records == []
    assert capfd.readouterr().err == ""
