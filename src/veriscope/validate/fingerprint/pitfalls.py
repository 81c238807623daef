"""What goes wrong when this kind of problem is judged: which pitfalls a fingerprint triggers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from veriscope.validate.fingerprint.choices import contradicts
from veriscope.validate.fingerprint.items import Category, Fingerprint

__all__ = ["PITFALLS", "Group", "Pitfall", "find_pitfalls"]

Group = Literal[
    "wrong category",
    "domain interest",
    "target structure",
    "data set",
    "algorithm output",
    "implementation",
    "aggregation",
    "ranking",
    "reporting",
]

_SEGMENTATION = frozenset({"semantic", "instance"})
_OBJECTS = frozenset({"detection", "instance"})


@dataclass(frozen=True, slots=True)
class Pitfall:
    """A way to be misled.

    Parameters
    ----------
    key
        Short name.
    group
        Kind of pitfall.
    explanation
        What goes wrong, in one sentence.
    example
        A small case with numbers that can be checked by hand.
    """

    key: str
    group: Group
    explanation: str
    example: str


_ALL = (
    Pitfall(
        "other_category",
        "wrong category",
        "The category that was said contradicts the answers, so its metrics ask another question.",
        "Two touching nuclei segmented as one blob: the mask is perfect (DSC 1), the count is wrong by half.",
    ),
    Pitfall(
        "small_as_segmentation",
        "wrong category",
        "Objects of a few pixels are better treated as detections, because overlap changes by jumps.",
        "A 3 by 3 pixel object shifted by one pixel has IoU 6/12 = 0.5.",
    ),
    Pitfall(
        "overlap_hides_boundary",
        "domain interest",
        "Overlap hardly shows errors of the outline in large objects, though outlines are what is asked for.",
        "A disc of radius 50 grown by one pixel still has IoU (50/51)² = 0.96.",
    ),
    Pitfall(
        "volume_is_not_overlap",
        "domain interest",
        "Good overlap does not make sizes right, because errors of one sign add up; compare the sizes.",
        "Every object one pixel too wide at radius 10: IoU 0.83, and all areas 21 % too large.",
    ),
    Pitfall(
        "overlap_hides_gaps",
        "domain interest",
        "Overlap counts pixels, so a gap that cuts a centre line costs next to nothing.",
        "A vessel of 100 by 5 pixels cut by a gap of 2 pixels: DSC 0.99, and two vessels instead of one.",
    ),
    Pitfall(
        "length_hides_gaps",
        "domain interest",
        "Centre lines are compared by length as well, so clDice hardly shows a short gap; count the gaps.",
        "The same vessel, 100 pixels long with a gap of 2: clDice 0.99, and two vessels instead of one.",
    ),
    Pitfall(
        "equal_costs",
        "domain interest",
        "Symmetric metrics treat misses and inventions alike, though one of them is worse here.",
        "9 found, 1 missed, 3 invented, and 9 found, 3 missed, 1 invented, both have F1 0.82.",
    ),
    Pitfall(
        "lost_order",
        "domain interest",
        "Accuracy treats all confusions of ordered classes alike.",
        "Calling grade 1 a grade 2 or a grade 4 costs the same accuracy.",
    ),
    Pitfall(
        "small_structures",
        "target structure",
        "In small objects a single pixel changes overlap a lot, more than raters agree on.",
        "One missing pixel of nine lowers IoU to 0.89, one of 900 to 0.999.",
    ),
    Pitfall(
        "large_dominate",
        "target structure",
        "Overlap of the class is decided by the largest objects, small ones may all be missed.",
        "One object of 1,000 pixels found and ten of 10 pixels missed: DSC 0.95, ten of eleven objects lost.",
    ),
    Pitfall(
        "merged_neighbours",
        "target structure",
        "Touching objects get merged, which overlap of the class cannot see.",
        "Two equal cells merged into one: DSC of the class 1, IoU 0.5 with each, so at most one matches.",
    ),
    Pitfall(
        "pieces_counted_apart",
        "target structure",
        "Connected components count the pieces of one object as several objects.",
        "A cell seen in pieces of 70 % and 30 %: one match with IoU 0.7, and one false positive.",
    ),
    Pitfall(
        "imbalance",
        "data set",
        "With a frequent class, doing nothing scores well in every metric that counts true negatives.",
        "Objects cover 1 % of the pixels: an empty prediction has accuracy 0.99.",
    ),
    Pitfall(
        "prevalence",
        "data set",
        "Accuracy, precision and F1 change with how frequent classes are, which differs at the place of use.",
        "Sensitivity and specificity 0.9: precision 0.9 with half positives, 0.08 with one in a hundred.",
    ),
    Pitfall(
        "noisy_reference",
        "data set",
        "Differences smaller than those between two raters say nothing about the method.",
        "If two raters agree with IoU 0.85, then 0.86 against 0.88 does not rank two methods.",
    ),
    Pitfall(
        "reference_outliers",
        "data set",
        "One stray pixel of the reference decides a largest distance.",
        "A single pixel drawn 100 pixels away makes the Hausdorff distance 100.",
    ),
    Pitfall(
        "coarse_reference",
        "data set",
        "Outlines cannot be judged by a reference that is only rough.",
        "A disc in its bounding box has IoU 0.79, so a perfect outline cannot score more.",
    ),
    Pitfall(
        "raw_reference",
        "data set",
        "Compared with the raw image alone, doing nothing scores best, so noise that is left is not seen.",
        "The raw image against itself has RSE 0 and RSP 1.",
    ),
    Pitfall(
        "dependent_cases",
        "aggregation",
        "Images of one well or animal resemble each other, so intervals by image are too narrow.",
        "40 images of 4 animals are closer to 4 witnesses than to 40.",
    ),
    Pitfall(
        "empty_images",
        "aggregation",
        "Most metrics are undefined where nothing is to be found, and leaving that out hides inventions.",
        "Nothing to find, 5 objects invented: recall has no value, an average over the others stays perfect.",
    ),
    Pitfall(
        "empty_predictions",
        "algorithm output",
        "An empty prediction has no distance and no precision, so averages over the others look too good.",
        "Distances 2, 3 and none: the mean of what is left is 2.5, though one image failed altogether.",
    ),
    Pitfall(
        "overlapping_predictions",
        "algorithm output",
        "A label image holds one object per pixel, so overlapping predictions are cut before judging them.",
        "Of two predictions of one object the later overwrites the earlier, and neither may match.",
    ),
    Pitfall(
        "invalid_outputs",
        "algorithm output",
        "Images without a valid output must count as failures, not be left out.",
        "2 of 10 images failed: an average over 8 compares methods on different images.",
    ),
    Pitfall(
        "missing_scores",
        "algorithm output",
        "Without scores neither calibration nor other thresholds can be judged.",
        "A mask says yes or no; whether a stated 0.9 holds cannot be read from it.",
    ),
    Pitfall(
        "threshold_on_the_test",
        "algorithm output",
        "Values at a threshold that was chosen on the same images are too good; choose it on other images.",
        "A method whose F1 is truly 0.70 at two thresholds shows 0.68 and 0.74; reporting 0.74 reports luck.",
    ),
    Pitfall(
        "calibration_by_ece",
        "implementation",
        "ECE depends on its bins and is best for a method that always states the base rate.",
        "Stating 0.3 for all where 30 % are positive has ECE 0 and tells cases apart not at all.",
    ),
    Pitfall(
        "two_kinds_of_ap",
        "implementation",
        "AP is the area under a precision–recall curve in one tool and TP/(TP+FP+FN) in another.",
        "8 found, 2 missed, 2 invented: TP/(TP+FP+FN) is 0.67, precision and recall are 0.8.",
    ),
    Pitfall(
        "pooled_or_averaged",
        "reporting",
        "Objects pooled over images and images averaged give different values; say which one is reported.",
        "90 of 100 objects found in one image and 1 of 2 in another: 0.89 pooled, 0.70 averaged.",
    ),
    Pitfall(
        "related_metrics",
        "ranking",
        "DSC and IoU rank single images alike, so reporting both counts one opinion twice.",
        "IoU = DSC / (2 - DSC): DSC 0.8 is IoU 0.67, always.",
    ),
)

PITFALLS = {pitfall.key: pitfall for pitfall in _ALL}
"""All pitfalls by key."""


def find_pitfalls(fingerprint: Fingerprint, category: Category) -> tuple[Pitfall, ...]:
    """Give the pitfalls that a problem triggers.

    Parameters
    ----------
    fingerprint
        The problem.
    category
        Its category.

    Returns
    -------
    tuple of Pitfall
        In the order of `PITFALLS`; may be empty.
    """
    fp = fingerprint
    shapes, objects = category in _SEGMENTATION, category in _OBJECTS
    matched = objects or category == "semantic"
    tubes = fp.tubular or fp.centre_interest == "centre line"
    triggered = {
        "other_category": contradicts(fp, category),
        "small_as_segmentation": shapes and fp.small_structures and not fp.boundaries_matter,
        "overlap_hides_boundary": shapes and fp.boundaries_matter,
        "volume_is_not_overlap": shapes and fp.volume_matters,
        "overlap_hides_gaps": shapes and (tubes or fp.connections_matter),
        "length_hides_gaps": shapes and tubes and fp.connections_matter,
        "equal_costs": matched and fp.costlier_error != "none",
        "lost_order": category == "classification" and fp.classes == "ordinal",
        "small_structures": matched and fp.small_structures,
        "large_dominate": category == "semantic" and fp.size_variability,
        "merged_neighbours": shapes and fp.touching,
        "pieces_counted_apart": objects and fp.disconnected,
        "imbalance": category in {"classification", "semantic"} and fp.class_imbalance,
        "prevalence": category == "classification" and not fp.prevalence_representative,
        "noisy_reference": fp.noisy_reference,
        "reference_outliers": shapes and fp.reference_outliers,
        "coarse_reference": matched and fp.coarse_reference,
        "raw_reference": category == "restoration" and fp.only_raw_reference,
        "dependent_cases": fp.dependent_cases,
        "empty_images": matched and fp.reference_may_be_empty,
        "empty_predictions": matched and fp.prediction_may_be_empty,
        "overlapping_predictions": category == "instance" and fp.overlapping_predictions,
        "invalid_outputs": fp.invalid_outputs,
        "missing_scores": fp.calibration_wanted and not fp.scores_available,
        "threshold_on_the_test": fp.scores_available and fp.decision in {"threshold", "not yet"},
        "calibration_by_ece": fp.calibration_wanted and fp.scores_available,
        "two_kinds_of_ap": objects and fp.scores_available,
        "pooled_or_averaged": objects,
        "related_metrics": category == "semantic",
    }
    return tuple(pitfall for key, pitfall in PITFALLS.items() if triggered[key])
