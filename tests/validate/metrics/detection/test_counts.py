"""Counts of images: F-beta, pooling, clusters, weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.detection.counts import DetectionCounts, mean_of_images, pooled
from veriscope.validate.metrics.detection.f_beta import f_beta, f_beta_metric
from veriscope.validate.metrics.instance.detection import F1, RECALL

IMAGES = (
    DetectionCounts("a", tp=8, fp=2, fn=0),
    DetectionCounts("b", tp=1, fp=0, fn=3),
    DetectionCounts("c", tp=0, fp=0, fn=0),
)


def test_f_beta_by_hand_and_in_its_limits() -> None:
    counts = Counts.from_columns(np.array([IMAGES[0].row(), IMAGES[1].row(), IMAGES[2].row()]))
    assert f_beta(counts, beta=2)[:2] == pytest.approx([40 / 42, 5 / (5 + 12)])
    assert np.isnan(f_beta(counts, beta=2)[2])
    assert np.array_equal(f_beta(counts, beta=1), F1.function(counts), equal_nan=True)
    assert f_beta(counts, beta=1e6)[0] == pytest.approx(1)
    assert f_beta(counts, beta=1e-6)[0] == pytest.approx(0.8)
    with pytest.raises(InputError, match="beta 0 is not allowed; use a number above 0"):
        f_beta_metric(0)


def test_pooled_and_mean() -> None:
    assert pooled(IMAGES, RECALL).value == 9 / 12
    assert pooled(IMAGES, RECALL).n_units == 2
    assert mean_of_images(IMAGES, RECALL).value == (1 + 0.25) / 2
    assert pooled(IMAGES, f_beta_metric(2)).value == pytest.approx(45 / (45 + 12 + 2))
    assert np.isnan(pooled([], RECALL).value) and pooled([], RECALL).low is None


def test_weights_and_clusters() -> None:
    twice = pooled([replace(IMAGES[0], weight=2.0), IMAGES[1]], RECALL)
    assert twice.value == pooled([IMAGES[0], IMAGES[0], IMAGES[1]], RECALL).value
    wells = [replace(image, cluster=name) for image, name in zip(IMAGES, "xyx", strict=True)]
    assert pooled(wells, RECALL, unit="well").n_units == 2
    assert mean_of_images(wells, RECALL).value == (1 + 0.25) / 2
    with pytest.raises(InputError) as error:
        pooled([wells[0], IMAGES[1]], RECALL)
    assert str(error.value) == (
        "1 of 2 images have no cluster, the first is 'b'; give every image a cluster, or none"
    )
    with pytest.raises(InputError, match=r"^a: weight 0\.0 is not allowed; use a number above 0"):
        replace(IMAGES[0], weight=0.0)
