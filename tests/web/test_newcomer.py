"""What a newcomer does who reads no manual: the demo to its report, own images to a first estimate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

N_IMAGES = 12
pytestmark = [pytest.mark.slow, pytest.mark.real_data]


@pytest.fixture(scope="module")
def own(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of TIFFs without a pixel size, their groups in their names."""
    folder = tmp_path_factory.mktemp("own")
    pictures = sorted((data_dir / "dsb2018_fluorescence" / "images").glob("*.png"))[::19][:N_IMAGES]
    for number, path in enumerate(pictures):
        group = "control" if number < N_IMAGES // 2 else "drug"
        tifffile.imwrite(folder / f"{group}_{number + 1:02d}.tif", np.asarray(Picture.open(path)))
    return folder


@pytest.fixture(scope="module")
def seen(
    drive: Callable[..., dict[str, Any]],
    serving: Callable[[Path], AbstractContextManager[str]],
    own: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    with serving(tmp_path_factory.mktemp("workspace")) as address:
        return drive("newcomer.mjs", address, str(own))


def test_nothing_stands_in_the_way(seen: dict[str, Any]) -> None:
    assert not seen["faults"], f"{seen['faults']}\nafter {seen['seconds']}; pictures: {seen['pictures']}"
    assert {"demo-report", "own-estimate"} <= seen["seconds"].keys()
