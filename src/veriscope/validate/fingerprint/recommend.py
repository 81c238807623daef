"""From a fingerprint to the metrics that fit, those that do not, and what may mislead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from veriscope.core.plain import PlainRecord
from veriscope.validate.fingerprint.choice import Choice
from veriscope.validate.fingerprint.choices import (
    choose_category,
    choose_criteria,
    choose_metrics,
    contradicts,
    overlap_misleads,
)
from veriscope.validate.fingerprint.items import OURS, Category, Fingerprint
from veriscope.validate.fingerprint.pitfalls import Pitfall, find_pitfalls

__all__ = ["Avoided", "Recommendation", "recommend"]


@dataclass(frozen=True, slots=True)
class Avoided:
    """A metric that people often use for such problems, and why not here.

    Parameters
    ----------
    key
        Key of the metric.
    reason
        Why not, in one sentence.
    """

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recommendation(PlainRecord):
    """Which metrics fit a problem, and why.

    Parameters
    ----------
    category
        Category of the problem.
    category_reason
        Why it is of this category.
    metrics
        Metrics to report, each with the rule that chose it.
    criteria
        When a predicted object counts as found (S8), and how objects are paired (S9).
    avoided
        Metrics often used here that do not fit; none of them is in `metrics`.
    pitfalls
        What may mislead here.
    """

    category: Category
    category_reason: str
    metrics: tuple[Choice, ...]
    criteria: tuple[Choice, ...]
    avoided: tuple[Avoided, ...]
    pitfalls: tuple[Pitfall, ...]

    also_told: ClassVar[tuple[str, ...]] = ("extends_the_paper",)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the metrics to report."""
        return tuple(choice.key for choice in self.metrics)

    @property
    def extends_the_paper(self) -> bool:
        """Whether the category is ours and not one of Metrics Reloaded."""
        return self.category in OURS


def recommend(fingerprint: Fingerprint) -> Recommendation:
    """Choose the metrics that fit a problem.

    Parameters
    ----------
    fingerprint
        The problem; a category that was said is kept, even where its answers lead to another one,
        which is then the first pitfall.

    Returns
    -------
    Recommendation
        At least one metric, never one of another category.
    """
    derived, reason = choose_category(fingerprint)
    category = fingerprint.category or derived
    if contradicts(fingerprint, category):
        reason = f"said; but {reason}, which would be {derived}"
    elif category != derived:
        reason = "said"
    metrics = choose_metrics(fingerprint, category)
    chosen = {choice.key for choice in metrics}
    return Recommendation(
        category=category,
        category_reason=reason,
        metrics=metrics,
        criteria=choose_criteria(fingerprint, category),
        avoided=tuple(each for each in _avoided(fingerprint, category) if each.key not in chosen),
        pitfalls=find_pitfalls(fingerprint, category),
    )


def _avoided(fp: Fingerprint, category: Category) -> list[Avoided]:
    """Metrics that are popular in a category; those that were chosen are taken out by the caller."""
    if category == "classification":
        return _avoided_labels(fp)
    if category == "semantic":
        return _avoided_masks(fp)
    if category == "detection":
        return [
            Avoided(
                "accuracy", "there are no true negatives to count: nobody can say how often nothing was found"
            ),
            Avoided("auroc", "it needs true negatives, which a detection has not"),
            Avoided("dice", "it judges outlines, which are not asked for"),
        ]
    if category == "instance":
        return [
            Avoided("dice", "on the mask of all objects it cannot see that two of them were merged"),
            Avoided("aji", "it mixes detection and overlap, and punishes some errors twice"),
            Avoided("accuracy", "pixels of the background decide it"),
            *_avoided_connections(fp),
        ]
    if category == "restoration":
        return _avoided_images(fp)
    return [Avoided("accuracy", "links that are rightly absent outnumber all others, so it is always near 1")]


def _avoided_labels(fp: Fingerprint) -> list[Avoided]:
    found = []
    if fp.class_imbalance or not fp.prevalence_representative:
        found.append(Avoided("accuracy", "always naming the most frequent class scores well"))
    elif fp.classes == "ordinal" or fp.costs_known:
        found.append(Avoided("accuracy", "it treats all confusions alike"))
    if not fp.prevalence_representative:
        found.append(Avoided("f_beta", "its precision changes with how frequent classes are"))
    if fp.class_imbalance and fp.scores_available:
        found.append(Avoided("auroc", "many easy negatives make it look good"))
    if fp.calibration_wanted and fp.scores_available:
        found.append(
            Avoided(
                "expected_calibration_error", "alone it is best for a method that always states the base rate"
            )
        )
    return found


def _avoided_masks(fp: Fingerprint) -> list[Avoided]:
    found = [
        Avoided("accuracy", "pixels of the background decide it"),
        Avoided("iou", "it says the same as DSC: IoU = DSC / (2 - DSC)"),
    ]
    if overlap_misleads(fp):
        found.append(
            Avoided("dice", "structures are small and the reference is noisy, so overlap is mostly chance")
        )
    elif fp.costlier_error != "none":
        found.append(Avoided("dice", "it treats misses and inventions alike"))
    if fp.reference_outliers or fp.noisy_reference:
        found.append(Avoided("hausdorff", "a single stray pixel of the reference decides it"))
    if fp.coarse_reference:
        found.append(Avoided("nsd", "a rough reference has no boundary to compare with"))
    return found + _avoided_connections(fp)


def _avoided_connections(fp: Fingerprint) -> list[Avoided]:
    if not fp.connections_matter:
        return []
    return [Avoided("betti_error", "a piece lost in one place and one invented in another cancel")]


def _avoided_images(fp: Fingerprint) -> list[Avoided]:
    if fp.only_raw_reference:
        reason = "it takes blur and noise of the raw image for the truth"
        return [Avoided(key, reason) for key in ("psnr", "scale_invariant_psnr", "ssim", "micro_ssim")]
    if fp.intensities_measured:
        return [Avoided("scale_invariant_psnr", "it forgives a wrong scale, which would be measured")]
    return [
        Avoided("psnr", "it depends on scale and offset of intensities, which carry no structure"),
        Avoided("ssim", "scale and offset change it, and dark background alone makes it high"),
    ]
