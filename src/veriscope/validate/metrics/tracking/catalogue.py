"""All metrics of tracking by their key, with what is fixed about each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.tracking.chota import chota, hota
from veriscope.validate.metrics.tracking.ctc import det, lnk, seg, tra
from veriscope.validate.metrics.tracking.divisions import division_f1
from veriscope.validate.metrics.tracking.sums import TrackingSums

__all__ = ["DESCRIPTIONS", "TRACKING_METRICS", "TrackingMetric"]


@dataclass(frozen=True, slots=True)
class TrackingMetric:
    """A metric of tracking as a function of sums; all range from 0 to 1, and 1 is best.

    Parameters
    ----------
    key
        Key in results, such as ``"tra"``.
    function
        Gives the metric from sums, for each entry of their arrays; NaN where it is undefined.
    sizes
        Gives, for each sequence, how much it brings into the denominator; a sequence that brings nothing
        says nothing about the metric.
    """

    key: str
    function: Callable[[TrackingSums], FloatArray]
    sizes: Callable[[TrackingSums], FloatArray]


def _objects(sums: TrackingSums) -> FloatArray:
    return sums.n_vertices + sums.invented


TRACKING_METRICS = (
    TrackingMetric("det", det, _objects),
    TrackingMetric("seg", seg, lambda sums: sums.n_vertices),
    TrackingMetric("tra", tra, _objects),
    TrackingMetric("lnk", lnk, lambda sums: sums.n_edges + sums.redundant),
    TrackingMetric(
        "division_f1",
        division_f1,
        lambda sums: sums.divisions_found + (sums.divisions_invented + sums.divisions_missed) / 2,
    ),
    TrackingMetric("chota", chota, _objects),
    TrackingMetric("hota", hota, _objects),
)

_MATULA = (
    "Matula and others, Cell tracking accuracy measurement based on comparison of acyclic oriented graphs, "
    "PLoS ONE 2015"
)
_MASKA = (
    "Maška and others, The Cell Tracking Challenge: 10 years of objective benchmarking, Nature Methods 2023"
)
_EITHER = "no object on either side: undefined; on one side only: 0"


def _described(
    key: str, name: str, formula: str, *, empty: str, use: str, avoid: str, source: str, function: str
) -> Description:
    return Description(
        key=key,
        name=name,
        tasks=("tracking",),
        formula=formula,
        low=0.0,
        high=1.0,
        best=1.0,
        empty=empty,
        use=use,
        avoid=avoid,
        source=source,
        function=f"metrics.tracking.{function}",
    )


DESCRIPTIONS: tuple[Description, ...] = (
    _described(
        "det",
        "DET, detection accuracy",
        "1 - min(c, c₀) / c₀, c = 5 NS + 10 FN + FP, c₀ = 10 objects of the reference",
        empty=_EITHER,
        use="To see whether objects are found in each frame, merged ones costing half a missed one.",
        avoid="Where inventions matter: one costs a tenth of a miss; it says nothing on links.",
        source=_MATULA,
        function="ctc.det",
    ),
    _described(
        "seg",
        "SEG, segmentation accuracy",
        "sum of IoU with the object that covers more than half / objects of the reference",
        empty="no object in the reference: undefined",
        use="When shapes are measured over time, beside a metric of tracking.",
        avoid="Alone: it does not see invented objects or links.",
        source="Maška and others, A benchmark for comparison of cell tracking algorithms, 2014",
        function="ctc.seg",
    ),
    _described(
        "tra",
        "TRA, tracking accuracy",
        "1 - min(c, c₀) / c₀, c = 5 NS + 10 FN + FP + ED + 1.5 EA + EC, c₀ = 10 objects + 1.5 links",
        empty=_EITHER,
        use="To compare with published trackers; it is the cost of mending tracks by hand.",
        avoid="When links are the question: objects weigh so much that 0.95 may hide many broken tracks.",
        source=_MATULA,
        function="ctc.tra",
    ),
    _described(
        "lnk",
        "LNK, linking accuracy",
        "1 - min(c, c₀) / c₀, c = ED + 1.5 EA + EC, c₀ = 1.5 links of the reference",
        empty="no link in the reference: undefined, or 0 if a link of the prediction is wrong",
        use="To see links apart from objects.",
        avoid="Alone: links of missed objects count as missing, and one swap of tracks costs only two links.",
        source=_MASKA,
        function="ctc.lnk",
    ),
    _described(
        "division_f1",
        "F1 of divisions, branching correctness",
        "2 TP / (2 TP + FP + FN), of divisions whose mother and daughters match within a tolerance",
        empty="no division on either side: undefined; on one side only: 0",
        use="When lineages are the question: divisions are rare, so that other metrics hardly show them.",
        avoid="With a handful of divisions: the interval is then wide; state the tolerance in frames.",
        source="Ulman and others, An objective comparison of cell-tracking algorithms, Nature Methods 2017",
        function="divisions.division_f1",
    ),
    _described(
        "chota",
        "CHOTA, cell-specific higher order tracking accuracy",
        "√(Σ over matches of TPA / (TPA + FNA + FPA) / (TP + FN + FP)), along whole lineages",
        empty="no object on either side: undefined; no match: 0",
        use="For one number over detection, association over long times, and lineages.",
        avoid="To learn what is wrong: look at det, lnk and division_f1 for that.",
        source="Kaiser, Ulman and Rosenhahn, CHOTA: a higher order accuracy metric for cell tracking, 2024",
        function="chota.chota",
    ),
    _described(
        "hota",
        "HOTA at the matching rule of the Cell Tracking Challenge",
        "√(Σ over matches of TPA / (TPA + FNA + FPA) / (TP + FN + FP)), along tracks",
        empty="no object on either side: undefined; no match: 0",
        use="For objects that do not divide.",
        avoid="For lineages, and to compare with HOTA of video tracking, a mean over IoU thresholds.",
        source="Luiten and others, HOTA: a higher order metric for multi-object tracking, 2021",
        function="chota.hota",
    ),
)
