"""Random small sequences with every kind of error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.validate.tracks import Lineage, Tracks

Draw = Callable[[int], tuple[Tracks, Tracks]]

N_FRAMES, N_SLOTS = 6, 4


def random_tracks(random: np.random.Generator, name: str, *, wide: bool) -> Tracks:
    """Put tracks into slots of two pixels; a wide one reaches into the next slot where that is free."""
    frames: NDArray[np.int64] = np.zeros((N_FRAMES, 1, 2 * N_SLOTS), np.int64)
    rows: list[list[int]] = []
    for slot in range(N_SLOTS):
        frame = 0
        while frame < N_FRAMES:
            if random.random() < 0.25:
                frame += 1
                continue
            length = int(random.integers(1, N_FRAMES - frame + 1))
            rows.append([len(rows) + 1, frame, frame + length - 1, 0])
            frames[frame : frame + length, 0, 2 * slot : 2 * slot + 2] = len(rows)
            frame += length
    if wide:
        for frame in range(N_FRAMES):
            for slot in range(N_SLOTS - 1):
                beside = frames[frame, 0, 2 * slot + 2 : 2 * slot + 4]
                if not beside.any() and random.random() < 0.6:
                    beside[:] = frames[frame, 0, 2 * slot]
    for row in rows:
        earlier = [other[0] for other in rows if other[2] < row[1]]
        if earlier and random.random() < 0.7:
            row[3] = int(random.choice(earlier[-3:]))
    return Tracks(frames, Lineage.from_rows(rows), name)


@pytest.fixture(scope="session")
def draw_sequences() -> Draw:
    """Give a reference and a prediction by a seed; even seeds change the reference a little only."""

    def draw(seed: int) -> tuple[Tracks, Tracks]:
        random = np.random.default_rng(seed)
        reference = random_tracks(random, "reference", wide=False)
        if seed % 2:
            return reference, random_tracks(random, "prediction", wide=True)
        frames = np.array(reference.frames)
        rows = np.stack(
            [getattr(reference.lineage, name) for name in ("tracks", "first", "last", "parents")], axis=1
        )
        loose = random.random(len(rows)) < 0.2
        rows[loose, 3] = 0
        return reference, Tracks(frames, Lineage.from_rows(rows), "prediction")

    return draw
