"""Studies take planes: stacks and time series are refused with what to do instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError
from veriscope.workflow.study import Study


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_stacks_and_time_series_are_refused_before_anything_is_made(tmp_path: Path, axes: str) -> None:
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(0).integers(0, 9, (3, 40, 50)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in" / "a.tif", pixels, imagej=True, metadata={"axes": axes})
    with pytest.raises(InputError) as error:
        Study.new(tmp_path / "study", images=tmp_path / "in", methods=("otsu-watershed",))
    assert (
        f"a.tif: has axes {axes.lower()!r} and a study takes single planes, since people annotate its audit "
        "on planes; give one plane of it (for example a projection), or predict it without a study "
        "(veriscope predict)"
    ) in str(error.value)
    assert not (tmp_path / "study").exists()
