"""Types of networks that were trained in a study."""

from __future__ import annotations

from typing import Any

from veriscope.server.models.candidates import Interval
from veriscope.server.models.problem import Answer
from veriscope.server.models.session import Evidence

__all__ = ["LossPoint", "Network", "StartComparison"]


class LossPoint(Answer):
    """A loss at some time of a training."""

    minutes: float
    """Minutes trained."""
    loss: float
    """The loss; lower is better, and only losses of one training can be compared."""


class StartComparison(Answer):
    """The new network against the one that it started from, on the same locked images."""

    start: str
    """Name of the start."""
    recommended: str
    """``new``, or ``start`` unless the new one is shown to be better."""
    metric: str
    """What they are compared by."""
    values: dict[str, Interval]
    """Of ``new`` and ``start``."""
    difference: Interval
    """New minus start, paired."""
    sentence: str
    """The outcome in words."""


class Network(Answer):
    """A network that was trained in the study, or is being trained."""

    name: str
    """Its candidate."""
    finished: bool
    """Whether its package is written; otherwise it is being trained, or training was stopped."""
    stage: str
    """What is being done, of one that is being trained."""
    part: float | None
    """Part of the training done, 0 to 1; None: not known yet."""
    steps: int
    """Steps done."""
    minutes: float
    """Minutes trained."""
    losses: list[LossPoint]
    """Loss on the tiles that it learns from, averaged over the last steps; of one that is being trained."""
    checks: list[LossPoint]
    """Loss on tiles held back to choose by."""
    figures: dict[str, Interval] | None
    """Metrics on locked tiles that it did not learn from, a few of the training tiles: they speak for these
    tiles, not for all images. None: not finished."""
    comparison: StartComparison | None
    """With the network that it started from; None: it began from scratch, or is not finished."""
    split: dict[str, Any] | None
    """Images, objects and groups of each part; None: not finished."""
    stopped: str
    """Why training ended before its time; empty otherwise."""
    notes: list[str]
    """What should be known of it."""
    package: str | None
    """Address of its package, a .zip file for BioImage.IO; None: not finished."""
    evidence: Evidence
    """How far it can be trusted on these images: not at all, before an audit judges its candidate."""
