"""All metrics of masks by name: formula, range, direction, empty cases, and when to use them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, nan

from veriscope.validate.metrics.description import Description

__all__ = ["DESCRIPTIONS", "SEMANTIC_METRICS", "SemanticMetric"]


@dataclass(frozen=True, slots=True)
class SemanticMetric:
    """What is fixed about a metric of two masks.

    Parameters
    ----------
    name
        Short name, such as ``"dice"``; that of its function.
    title
        Its name in the field.
    formula
        How it is computed, in words and symbols.
    low, high
        Smallest and largest possible value; infinite if there is none.
    best
        The best value.
    both_empty, one_empty
        The value where both masks, or exactly one, have no pixel; NaN is undefined.
    module
        Module of its function, in ``veriscope.validate.metrics.semantic``.
    use, avoid
        When it fits, and when it misleads.
    source
        Where it was defined.
    """

    name: str
    title: str
    formula: str
    low: float
    high: float
    best: float
    both_empty: float
    one_empty: float
    module: str
    use: str
    avoid: str
    source: str

    def describe(self) -> Description:
        """Give the line of the catalogue.

        Returns
        -------
        Description
            For semantic problems; those of outlines for matched objects as well.
        """
        outlines = self.module == "boundary" or self.name == "centreline_dice"
        shown = ["undefined" if isnan(value) else f"{value:g}" for value in (self.both_empty, self.one_empty)]
        return Description(
            key=self.name,
            name=self.title,
            tasks=("semantic", "instance") if outlines else ("semantic",),
            formula=self.formula,
            low=self.low,
            high=self.high,
            best=self.best,
            empty=f"both masks empty: {shown[0]}; one empty: {shown[1].replace('inf', 'infinite')}",
            use=self.use,
            avoid=self.avoid,
            source=self.source,
            function=f"metrics.semantic.{self.module}.{self.name}",
        )


def _share(
    name: str, title: str, formula: str, *, module: str, use: str, avoid: str, source: str
) -> SemanticMetric:
    return SemanticMetric(name, title, formula, 0.0, 1.0, 1.0, nan, 0.0, module, use, avoid, source)


def _distance(name: str, title: str, formula: str, *, use: str, avoid: str, source: str) -> SemanticMetric:
    return SemanticMetric(name, title, formula, 0.0, inf, 0.0, nan, inf, "boundary", use, avoid, source)


SEMANTIC_METRICS = (
    _share(
        "dice",
        "Dice similarity coefficient (DSC)",
        "2 TP / (2 TP + FP + FN), of pixels",
        module="overlap",
        use="Overlap of a class that is neither tiny nor tubular.",
        avoid="Small structures with a noisy reference, outlines that matter, objects to be counted.",
        source="Dice, Ecology (1945)",
    ),
    _share(
        "iou",
        "Intersection over union (Jaccard index)",
        "TP / (TP + FP + FN), of pixels",
        module="overlap",
        use="As dice, where a field reports IoU; it is dice / (2 - dice).",
        avoid="Beside dice, of which it says nothing new.",
        source="Jaccard, New Phytologist (1912)",
    ),
    _share(
        "f_beta",
        "F-beta of pixels",
        "(1 + β²) TP / ((1 + β²) TP + β² FN + FP), of pixels",
        module="overlap",
        use="One error is worse: β above 1 where misses are, below 1 where inventions are.",
        avoid="Both errors cost the same: then use dice.",
        source="van Rijsbergen, Information Retrieval (1979)",
    ),
    _share(
        "centreline_dice",
        "Centreline Dice (clDice)",
        "2 Tprec Tsens / (Tprec + Tsens)",
        module="centreline",
        use="Tubes and networks whose centre line and connections matter.",
        avoid="Compact objects, whose skeleton is mostly noise.",
        source="Shit and others, CVPR (2021)",
    ),
    _distance(
        "hausdorff",
        "Hausdorff distance (HD)",
        "max(max d(r), max d(p))",
        use="The single worst error of the outline counts.",
        avoid="A reference with stray pixels: one of them decides it.",
        source="Huttenlocher and others, IEEE TPAMI (1993)",
    ),
    _distance(
        "hausdorff_percentile",
        "Hausdorff distance, percentile (HD95)",
        "max(percentile of d(r), percentile of d(p)), 95th by default",
        use="Large errors of the outline count, and references have a few stray pixels.",
        avoid="Errors confined to less than the percentile left out.",
        source="Maier-Hein, Reinke and others, Nature Methods (2024)",
    ),
    _distance(
        "masd",
        "Mean average surface distance (MASD)",
        "(mean d(r) + mean d(p)) / 2",
        use="The average error of the outline counts, in both directions alike.",
        avoid="Noisy references, where it cannot get below the raters' own distance: use nsd.",
        source="Beneš and Zitová, Journal of Microscopy (2015)",
    ),
    _distance(
        "assd",
        "Average symmetric surface distance (ASSD)",
        "(sum d(r) + sum d(p)) / (n(r) + n(p))",
        use="As masd, where a field reports it.",
        avoid="Masks of very different outline length: the longer one decides it.",
        source="Heimann and others, IEEE TMI (2009)",
    ),
    _share(
        "nsd",
        "Normalised surface distance (NSD)",
        "(number of d(r) ≤ τ + number of d(p) ≤ τ) / (n(r) + n(p))",
        module="boundary",
        use="Outlines matter and references are noisy; τ is the distance between two raters.",
        avoid="A τ chosen after the results were seen, or not stated.",
        source="Nikolov and others, JMIR (2021)",
    ),
    _share(
        "boundary_iou",
        "Boundary IoU",
        "shared pixels of both rims / pixels in either rim",
        module="boundary",
        use="Outlines of large objects matter.",
        avoid="Noisy references, and objects hardly wider than the rim.",
        source="Cheng and others, CVPR (2021)",
    ),
)

DESCRIPTIONS: tuple[Description, ...] = tuple(metric.describe() for metric in SEMANTIC_METRICS)
"""One line of the catalogue per metric."""
