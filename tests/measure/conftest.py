"""Label images for the tests of measurements."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def nuclei() -> NDArray[np.int32]:
    """Fourteen overlapping ellipses of 120 × 150 pixels, some cut by the edge, with gaps in the numbering."""
    rng = np.random.default_rng(7)
    labels = np.zeros((120, 150), dtype=np.int32)
    y, x = np.mgrid[:120, :150]
    for number in range(14):
        cy, cx, a, b = rng.uniform(0, 120), rng.uniform(0, 150), rng.uniform(4, 14), rng.uniform(4, 14)
        labels[((y - cy) / a) ** 2 + ((x - cx) / b) ** 2 < 1] = 3 * number + 2
    return labels
