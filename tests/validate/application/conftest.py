"""A study with known truth, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from veriscope.validate.application.table import ApplicationTable, read_table


def simulate(
    seed: int,
    *,
    means: tuple[float, ...] = (50.0, 65.0),
    errors: tuple[float, ...] = (0.0, 0.0),
    replicates: int = 4,
    images: int = 4,
    between: float = 3.0,
    error_between: float = 1.0,
    error_within: float = 1.0,
    gain: float = 1.0,
) -> ApplicationTable:
    """Groups a, b, … of replicates of images; predictions are gain * reference + error."""
    rng = np.random.default_rng(seed)
    k = len(means) * replicates
    truth = np.repeat(means, replicates) + between * rng.standard_normal(k)
    reference = np.maximum(truth[:, None] + 3 * rng.standard_normal((k, images)), 1)
    shift = np.repeat(errors, replicates) + error_between * rng.standard_normal(k)
    prediction = gain * reference + shift[:, None] + error_within * rng.standard_normal((k, images))
    replicate = np.repeat(np.arange(k), images)
    return read_table(
        {
            "unit": list(range(k * images)),
            "group": ["abcdefgh"[i // replicates] for i in replicate],
            "replicate": replicate.tolist(),
            "reference": reference.ravel().tolist(),
            "prediction": prediction.ravel().tolist(),
        }
    )


@pytest.fixture
def study() -> Callable[..., ApplicationTable]:
    """Simulate a study from a seed."""
    return simulate


@pytest.fixture
def written() -> Callable[..., ApplicationTable]:
    """Write out a study: by group the (reference, prediction) of each replicate, one unit in each."""

    def write(**groups: list[tuple[float, float]]) -> ApplicationTable:
        rows = [(group, i, *pair) for group, pairs in groups.items() for i, pair in enumerate(pairs)]
        return read_table(
            {
                "unit": [f"{group}{i}" for group, i, _, _ in rows],
                "group": [row[0] for row in rows],
                "replicate": [f"{group}{i}" for group, i, _, _ in rows],
                "reference": [row[2] for row in rows],
                "prediction": [row[3] for row in rows],
            }
        )

    return write
