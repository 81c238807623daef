"""Rules S1 to S9: which category a problem is of, and which metrics and criteria fit it.

Keys of metrics are those of `veriscope.validate.catalogue`, of S8 those of `veriscope.validate.localise`, of
S9 those of `veriscope.validate.assign`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from veriscope.validate.fingerprint.choice import Choice
from veriscope.validate.fingerprint.items import Category, Fingerprint
from veriscope.validate.fingerprint.ours import (
    connections,
    count,
    restoration,
    splits,
    tracking,
)

__all__ = [
    "METRICS_OF",
    "choose_category",
    "choose_criteria",
    "choose_metrics",
    "contradicts",
    "overlap_misleads",
]

_CALIBRATION = frozenset({"brier_score", "class_wise_calibration_error"})
_BOUNDARY = frozenset({"nsd", "boundary_iou", "masd", "hausdorff", "hausdorff_percentile"})
_CONNECTIONS = frozenset({"betti_matching_error", "line_gaps"})

METRICS_OF: dict[Category, frozenset[str]] = {
    "classification": _CALIBRATION
    | {"accuracy", "balanced_accuracy", "matthews_correlation", "weighted_kappa", "expected_cost"}
    | {"f_beta", "net_benefit", "positive_likelihood_ratio", "auroc", "average_precision"},
    "semantic": _CALIBRATION | _BOUNDARY | _CONNECTIONS | {"dice", "centreline_dice", "f_beta"},
    "detection": _CALIBRATION | {"f1", "f_beta", "average_precision", "froc", "count_bias"},
    "instance": _CALIBRATION
    | _BOUNDARY
    | _CONNECTIONS
    | {"pq", "f1@0.5", "f1", "f_beta", "average_precision", "froc", "count_bias"}
    | {"mean_matched_iou@0.5", "centreline_dice", "split_merge"},
    "restoration": frozenset({"scale_invariant_psnr", "psnr", "ssim", "micro_ssim"})
    | {"frc_resolution", "spectral_error", "rse", "rsp"},
    "tracking": frozenset({"det", "seg", "tra", "division_f1", "chota", "hota"}),
}
"""Keys of the metrics that may be chosen in each category, as in the catalogue; there thresholds are T."""

_ASKS_FOR: dict[Category, str] = {
    "classification": "whole_image_label",
    "detection": "shape_needed",
    "instance": "instances_matter",
    "restoration": "image_output",
    "tracking": "identity_over_time",
}


def choose_category(fingerprint: Fingerprint) -> tuple[Category, str]:
    """Apply rule S1, whatever category was said.

    Parameters
    ----------
    fingerprint
        The problem.

    Returns
    -------
    tuple
        The category, and why in one sentence.
    """
    if fingerprint.identity_over_time:
        return "tracking", "objects must keep their identity over time (category ours)"
    if fingerprint.image_output:
        return "restoration", "the output is an image of intensities (category ours)"
    if fingerprint.whole_image_label:
        return "classification", "one answer is given for a whole image"
    if not fingerprint.shape_needed:
        return "detection", "objects are to be found, their outlines are not needed"
    if fingerprint.instances_matter:
        return "instance", "each object is counted or measured on its own"
    if fingerprint.touching or fingerprint.overlapping_predictions:
        return "instance", "objects touch or overlap, so a mask of the class would merge them"
    return "semantic", "outlines are needed, single objects are not"


def contradicts(fingerprint: Fingerprint, category: Category) -> bool:
    """Say whether the answers speak against a category; questions nobody answered never do.

    Parameters
    ----------
    fingerprint
        The problem.
    category
        A category.

    Returns
    -------
    bool
        True if the answers lead to another category and leave no room for this one.
    """
    derived, _ = choose_category(fingerprint)
    if derived == category:
        return False
    if category == "semantic" or derived not in {"semantic", "instance"}:
        return True
    return fingerprint.source(_ASKS_FOR[category]) != "assumed"


def choose_metrics(fingerprint: Fingerprint, category: Category) -> tuple[Choice, ...]:
    """Apply rules S2 to S7, each at most once.

    Parameters
    ----------
    fingerprint
        The problem.
    category
        Its category.

    Returns
    -------
    tuple of Choice
        At least one metric, all of `METRICS_OF` the category.
    """
    rules: list[Callable[[Fingerprint], Iterator[Choice]]]
    detections = partial(_detections, category=category)
    if category == "classification":
        rules = [_multi_class, _per_class, _multi_threshold, _calibration]
    elif category == "semantic":
        rules = [_overlap, connections, _boundary, _calibration]
    elif category == "detection":
        rules = [detections, _ranked_detections, count, _calibration]
    elif category == "instance":
        rules = [detections, _quality, _ranked_detections, _overlap_of_matches, connections, _boundary]
        rules += [count, splits, _calibration]
    else:
        rules = [restoration if category == "restoration" else tracking]
    return tuple(choice for rule in rules for choice in rule(fingerprint))


def choose_criteria(fingerprint: Fingerprint, category: Category) -> tuple[Choice, ...]:
    """Apply rules S8 and S9: when a prediction counts as found, and which goes with which.

    Parameters
    ----------
    fingerprint
        The problem.
    category
        Its category.

    Returns
    -------
    tuple of Choice
        Localisation criterion and assignment; empty where no objects are matched.
    """
    if category not in {"detection", "instance"}:
        return ()
    place = _localisation(fingerprint, category)
    if fingerprint.scores_available:
        assignment = Choice("greedy_by_score", "S9", "scores say which prediction goes first")
    elif place.key == "mask_iou" and not fingerprint.overlapping_predictions:
        assignment = Choice(
            "greedy_by_overlap",
            "S9",
            "above IoU 0.5 an object has one possible partner at most, so the order does not matter",
        )
    else:
        assignment = Choice("hungarian", "S9", "several partners are possible, and no score decides")
    return place, assignment


def overlap_misleads(fingerprint: Fingerprint) -> bool:
    """Say whether overlap tells little: small structures whose reference is noisy as well.

    Parameters
    ----------
    fingerprint
        The problem.

    Returns
    -------
    bool
        True if a boundary metric with a tolerance should stand in for overlap; never with a coarse
        reference, which has no boundary to speak of.
    """
    return fingerprint.small_structures and fingerprint.noisy_reference and not fingerprint.coarse_reference


def _multi_class(fp: Fingerprint) -> Iterator[Choice]:
    if fp.classes == "ordinal":
        yield Choice("weighted_kappa", "S2", "classes have an order, so near misses cost less than far ones")
    elif fp.costs_known:
        yield Choice("expected_cost", "S2", "the cost of each confusion is known")
    elif fp.compensate_imbalance:
        yield Choice("balanced_accuracy", "S2", "rare classes are to count as much as frequent ones")
    elif not fp.prevalence_representative:
        yield Choice(
            "balanced_accuracy", "S2", "it does not depend on how frequent classes are in these data"
        )
    elif fp.class_imbalance:
        yield Choice(
            "matthews_correlation",
            "S2",
            "classes are unbalanced, and as frequent as where the method will be used",
        )
    else:
        yield Choice("accuracy", "S2", "classes are balanced and representative, errors cost the same")


def _per_class(fp: Fingerprint) -> Iterator[Choice]:
    if fp.decision == "cost and benefit":
        yield Choice("net_benefit", "S3", "decisions weigh cost against benefit")
    elif not fp.prevalence_representative:
        yield Choice(
            "positive_likelihood_ratio", "S3", "it does not depend on how frequent classes are in these data"
        )
    else:
        yield Choice("f_beta", "S3", f"{_beta(fp)}, for each class")


def _beta(fp: Fingerprint) -> str:
    if fp.costlier_error == "none":
        return "beta 1: misses and inventions cost the same"
    if fp.costlier_error == "misses":
        return "beta above 1, such as 2: misses are worse"
    return "beta below 1, such as 0.5: inventions are worse"


def _multi_threshold(fp: Fingerprint) -> Iterator[Choice]:
    if not fp.scores_available:
        return
    if fp.class_imbalance:
        yield Choice("average_precision", "S4", "with a rare class AUROC looks good too easily")
    else:
        yield Choice("auroc", "S4", "scores allow a judgement over all thresholds")


def _calibration(fp: Fingerprint) -> Iterator[Choice]:
    if fp.calibration_wanted and fp.scores_available:
        yield Choice(
            "brier_score", "S5", "stated probabilities will be used; a proper score judges them as a whole"
        )
        yield Choice(
            "class_wise_calibration_error",
            "S5",
            "shows which class's probabilities are off; read with the Brier score",
        )


def _overlap(fp: Fingerprint) -> Iterator[Choice]:
    if overlap_misleads(fp):
        return
    yield from _centre_line(fp)
    if fp.costlier_error != "none":
        yield Choice("f_beta", "S6", f"{_beta(fp)}, for pixels")
    else:
        yield Choice("dice", "S6", "overlap of the class, the default")


def _centre_line(fp: Fingerprint) -> Iterator[Choice]:
    if fp.tubular or fp.centre_interest == "centre line":
        yield Choice(
            "centreline_dice",
            "S6",
            "in thin tubes the centre line tells whether they are found and connected",
        )


def _overlap_of_matches(fp: Fingerprint) -> Iterator[Choice]:
    yield from _centre_line(fp)
    if not overlap_misleads(fp):
        yield Choice("mean_matched_iou@0.5", "S6", "overlap of each matched object")


def _boundary(fp: Fingerprint) -> Iterator[Choice]:
    if fp.coarse_reference or not (fp.boundaries_matter or overlap_misleads(fp)):
        return
    if fp.boundary_errors == "worst" and not overlap_misleads(fp):
        if fp.reference_outliers or fp.noisy_reference:
            yield Choice(
                "hausdorff_percentile",
                "S7",
                "the 95th percentile of distances: the largest count, but not stray pixels",
            )
        else:
            yield Choice("hausdorff", "S7", "the largest distance counts")
    elif fp.noisy_reference:
        yield Choice(
            "nsd", "S7", "set its tolerance to the distance between two raters' outlines, and state it"
        )
    elif fp.boundary_errors == "average":
        yield Choice("masd", "S7", "the average distance counts, in both directions alike")
    else:
        yield Choice(
            "boundary_iou", "S7", "counts overlap near the outline only, so size does not hide errors"
        )


def _localisation(fp: Fingerprint, category: Category) -> Choice:
    if category == "detection":
        if fp.coarse_reference:
            return Choice("point_in_mask", "S8", "the reference is rough: a centre inside it counts as found")
        if fp.centre_interest == "centre" or fp.small_structures:
            return Choice(
                "centre_distance", "S8", "only the place counts, or objects are too small for overlap"
            )
        return Choice("mask_iou", "S8", "overlap of masks, or of boxes where there are only boxes")
    if fp.small_structures or fp.coarse_reference:
        return Choice("intersection_over_reference", "S8", "IoU is too strict for small or rough outlines")
    if fp.boundaries_matter and not fp.noisy_reference:
        return Choice("boundary_iou", "S8", "an object counts as found only if its outline fits")
    return Choice("mask_iou", "S8", "overlap of masks, the default")


def _detections(fp: Fingerprint, category: Category) -> Iterator[Choice]:
    if fp.costlier_error != "none":
        yield Choice("f_beta", "S3", f"{_beta(fp)}, for objects")
    elif category == "instance" and _localisation(fp, "instance").key == "mask_iou":
        yield Choice("f1@0.5", "S3", "how many objects are found and how many invented")
    else:
        yield Choice("f1", "S3", "how many objects are found and invented, by the criterion of rule S8")


def _quality(fp: Fingerprint) -> Iterator[Choice]:
    by_iou = _localisation(fp, "instance").key == "mask_iou"
    if by_iou and fp.costlier_error == "none" and not fp.overlapping_predictions:
        yield Choice("pq", "S3", "detection and overlap in one number, for an overview")


def _ranked_detections(fp: Fingerprint) -> Iterator[Choice]:
    if not fp.scores_available:
        return
    if fp.false_positives_per_image:
        yield Choice("froc", "S4", "false alarms per image are what users notice")
    else:
        yield Choice("average_precision", "S4", "scores allow a judgement over all thresholds")
