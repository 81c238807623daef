"""The main screens look as they did when somebody last looked at them.

Pictures are kept small in ``tests/web/screens`` and compared part by part, tolerant of fonts and of smooth
edges. Numbers that change are painted over before. After a wanted change::

    VERISCOPE_RENEW_SCREENS=1 pytest tests/web/test_screens.py

keeps the new pictures; look at them before they are committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture

KEPT = Path(__file__).parent / "screens"
SIZE = (480, 300)
PART = 12
"""Side of the squares whose mean brightness is compared, in pixels of the kept pictures."""
LEVELS = 16
"""Difference of a square's mean, of 255, that counts."""
MOST = 0.04
"""Share of squares that may differ."""
SCREENS = ("images", "viewer", "candidates", "audit", "tile", "table")


def small(path: Path) -> Picture.Image:
    with Picture.open(path) as opened:
        return opened.convert("RGB").resize(SIZE, Picture.Resampling.BOX)


def means(picture: Picture.Image) -> NDArray[np.float64]:
    """Mean red, green and blue of each square."""
    pixels = np.asarray(picture.convert("RGB"), np.float64)
    rows, columns = SIZE[1] // PART, SIZE[0] // PART
    return np.asarray(pixels.reshape(rows, PART, columns, PART, 3).mean(axis=(1, 3)))


def difference(a: Picture.Image, b: Picture.Image) -> float:
    """Share of squares in which any colour differs."""
    return float((np.abs(means(a) - means(b)).max(axis=-1) > LEVELS).mean())


@pytest.fixture(scope="module")
def seen(
    make_study: Callable[..., Path],
    drive: Callable[..., dict[str, Any]],
    serving: Callable[[Path], AbstractContextManager[str]],
    tiny_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """Pictures of a study of simulated images with an audit."""
    study = tmp_path_factory.mktemp("screens") / "study"
    options = ["--object", "nucleus", "--groups", str(tiny_data / "sheet.csv"), "--tile-size", "64"]
    options += ["--method", "otsu-watershed"]
    make_study(study, tiny_data / "images", *options, audits=[["--tiles", "20"]])
    image = sorted(path.stem.split(".")[0] for path in (study / "images").iterdir())[0]
    unit = sorted(path.stem for path in (study / "audit" / "tiles").glob("*.tif"))[0]
    with serving(study) as address:
        found = drive("screens.mjs", address, "study", image, unit)
    assert not found["faults"], f"{found['faults']}; pictures are in {found['pictures']}"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_did(seen: dict[str, Any], name: str) -> None:
    now = small(seen["pictures"] / f"{name}.png")
    kept = KEPT / f"{name}.png"
    if os.environ.get("VERISCOPE_RENEW_SCREENS"):
        KEPT.mkdir(exist_ok=True)
        now.quantize(48, dither=Picture.Dither.NONE).save(kept, optimize=True)
    share = difference(small(kept), now)
    assert share <= MOST, (
        f"{name}: {share:.0%} of the screen looks other than in {kept}; the new picture is in "
        f"{seen['pictures']}. If it is as wanted: VERISCOPE_RENEW_SCREENS=1 pytest tests/web/test_screens.py"
    )


def test_the_kept_pictures_are_small_and_tell_screens_apart() -> None:
    kept = {name: small(KEPT / f"{name}.png") for name in SCREENS}
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 300_000
    for name, picture in kept.items():
        for other in SCREENS:
            if other != name:
                assert difference(picture, kept[other]) > MOST, f"{name} passes for {other}"


def test_a_part_that_is_gone_is_seen() -> None:
    picture = small(KEPT / "tile.png")
    changed = picture.copy()
    changed.paste((255, 255, 255), (0, 0, 60, SIZE[1]))
    assert difference(picture, picture) == 0
    assert difference(picture, changed) > MOST


def test_another_font_and_smooth_edges_are_not() -> None:
    picture = small(KEPT / "table.png")
    moved = Picture.new("RGB", SIZE)
    moved.paste(picture, (1, 0))
    assert difference(picture, moved) <= MOST
    blurred = picture.resize((SIZE[0] // 2, SIZE[1] // 2)).resize(SIZE)
    assert difference(picture, blurred) <= MOST
