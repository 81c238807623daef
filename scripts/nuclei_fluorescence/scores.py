"""Pooled scores for choosing settings on the validation split; the benchmark uses `veriscope.validate`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["matched_ious", "pooled_scores"]


def matched_ious(reference: NDArray[np.integer], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Give the IoU of every pair that overlaps by more than a half; such pairs are one to one."""
    n_reference, n_labels = int(reference.max()), int(labels.max())
    pairs = reference.astype(np.int64).ravel() * (n_labels + 1) + labels.ravel()
    overlap = np.bincount(pairs, minlength=(n_reference + 1) * (n_labels + 1))
    overlap = overlap.reshape(n_reference + 1, n_labels + 1)
    union = overlap.sum(1, keepdims=True) + overlap.sum(0, keepdims=True) - overlap
    iou = overlap[1:, 1:] / np.maximum(union[1:, 1:], 1)
    return np.asarray(iou[iou > 0.5])


def pooled_scores(
    pairs: list[tuple[NDArray[np.integer], NDArray[np.integer]]],
) -> dict[str, float]:
    """Give F1 at IoU 0.5 and 0.7, AP = TP/(TP+FP+FN) at 0.5, precision, recall and PQ over all objects."""
    ious = np.concatenate([matched_ious(reference, labels) for reference, labels in pairs])
    n_reference = sum(len(np.unique(reference)) - bool((reference == 0).any()) for reference, _ in pairs)
    n_labels = sum(int(labels.max()) for _, labels in pairs)
    true = len(ious)
    mean_size = max((n_reference + n_labels) / 2, 1)
    return {
        "f1@0.5": true / mean_size,
        "f1@0.7": (ious > 0.7).sum() / mean_size,
        "ap@0.5": true / max(n_reference + n_labels - true, 1),
        "precision": true / max(n_labels, 1),
        "recall": true / max(n_reference, 1),
        "pq": ious.sum() / mean_size,
    }
