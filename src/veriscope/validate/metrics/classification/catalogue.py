"""All metrics of classes, scores and probabilities by their key, the name of their function."""

from __future__ import annotations

from math import inf, sqrt

from veriscope.validate.metrics.description import Description

__all__ = ["DESCRIPTIONS"]

_CLASSES = ("classification",)
_PROBABILITIES = ("classification", "semantic", "detection", "instance")
_MODULE = "metrics.classification"
_RELOADED = "Maier-Hein, Reinke and others, Metrics Reloaded, Nature Methods 2024"


def _of_counts(
    key: str,
    name: str,
    formula: str,
    *,
    empty: str,
    use: str,
    avoid: str,
    source: str = _RELOADED,
    low: float = 0.0,
    high: float = 1.0,
    best: float = 1.0,
    module: str = "confusion",
) -> Description:
    return Description(
        key, name, _CLASSES, formula, low, high, best, empty, use, avoid, source, f"{_MODULE}.{module}.{key}"
    )


def _of_probabilities(
    key: str,
    name: str,
    formula: str,
    *,
    use: str,
    avoid: str,
    source: str,
    high: float,
    low: float = 0.0,
    best: float = 0.0,
    empty: str = "no case: undefined",
    function: str = "",
) -> Description:
    where = function or f"{_MODULE}.calibration.{key}"
    return Description(key, name, _PROBABILITIES, formula, low, high, best, empty, use, avoid, source, where)


_ALL_CLASSES = (
    _of_counts(
        "accuracy",
        "Accuracy",
        "right cases / cases",
        empty="no case: undefined",
        use="When classes are balanced and all errors cost the same.",
        avoid="With a rare class: always stating the frequent one looks good.",
    ),
    _of_counts(
        "balanced_accuracy",
        "Balanced accuracy",
        "mean of the sensitivity of the classes that occur in the reference",
        empty="no case: undefined",
        use="When rare classes count as much as frequent ones, or prevalence is not that of the field.",
        avoid="With a handful of cases in a class: its sensitivity is chance, and weighs as much as others.",
        source="Brodersen and others, The balanced accuracy and its posterior distribution, ICPR 2010",
    ),
    _of_counts(
        "matthews_correlation",
        "Matthews correlation coefficient, MCC",
        "R_K of Gorodkin; for two classes the correlation φ",
        low=-1.0,
        empty="no case, or one class only on one side: undefined",
        use="When classes are unbalanced and as frequent as where the method will be used.",
        avoid="To compare data with other prevalence: it depends on it.",
        source="Gorodkin, Comparing two K-category assignments by a K-category correlation, 2004",
    ),
    _of_counts(
        "weighted_kappa",
        "Weighted Cohen's κ",
        "1 - Σ cost · observed / Σ cost · expected; cost 1, abs(i - j) or (i - j)²",
        low=-1.0,
        empty="no case, or the same single class on both sides: undefined",
        use="When classes have an order, so that near misses cost less.",
        avoid="To compare gradings with another number of classes, or prevalence.",
        source="Cohen, Weighted kappa, Psychological Bulletin 1968",
    ),
    _of_counts(
        "expected_cost",
        "Expected cost",
        "Σ prior · share of its cases · cost",
        high=inf,
        best=0.0,
        empty="no case, or a class with a prior that does not occur: undefined",
        use="When the cost of each confusion and the frequency of classes in use are known.",
        avoid="With costs that nobody stands behind.",
        source="Ferrer, Analysis and comparison of classification metrics, arXiv 2209.05355, 2022",
    ),
)

_ONE_CLASS = (
    _of_counts(
        "sensitivity",
        "Sensitivity, recall",
        "TP / (TP + FN)",
        module="per_class",
        empty="no case of the class: undefined",
        use="When missing a case is the error that matters, beside specificity or precision.",
        avoid="Alone: taking every case for the class gives 1.",
    ),
    _of_counts(
        "specificity",
        "Specificity",
        "TN / (TN + FP)",
        module="per_class",
        empty="no case of the rest: undefined",
        use="When false alarms matter, beside sensitivity.",
        avoid="With a rare class: a high specificity may still mean mostly false alarms.",
    ),
    _of_counts(
        "positive_predictive_value",
        "Positive predictive value, precision",
        "TP / (TP + FP)",
        module="per_class",
        empty="nothing taken for the class: undefined",
        use="To know how often a finding is right.",
        avoid="When prevalence is not that of use; then give the prevalence.",
    ),
    _of_counts(
        "negative_predictive_value",
        "Negative predictive value",
        "TN / (TN + FN)",
        module="per_class",
        empty="nothing left to the rest: undefined",
        use="To know how often an all-clear is right.",
        avoid="With a rare class: it is high without any skill.",
    ),
    _of_counts(
        "f_beta",
        "Fβ",
        "(1 + β²) TP / ((1 + β²) TP + β² FN + FP)",
        module="per_class",
        empty="no case of the class and none taken for it: undefined",
        use="For one number on one class where right cases of the rest do not count.",
        avoid="When prevalence is not that of use: it depends on it.",
        source="van Rijsbergen, Information retrieval, 1979",
    ),
    _of_counts(
        "positive_likelihood_ratio",
        "Positive likelihood ratio, LR+",
        "sensitivity / (1 - specificity)",
        module="per_class",
        high=inf,
        best=inf,
        empty="either side without a case, or nothing taken for the class: undefined",
        use="When prevalence in these data is not that of use.",
        avoid="With few cases of the rest: one false alarm more changes it several-fold.",
    ),
    _of_counts(
        "net_benefit",
        "Net benefit",
        "(TP - FP t / (1 - t)) / cases",
        module="per_class",
        low=-inf,
        empty="no case: undefined",
        use="When decisions weigh cost against benefit; t is the risk at which acting is worth it.",
        avoid="When prevalence is not that of use, or without a reason for t.",
        source="Vickers and Elkin, Decision curve analysis, Medical Decision Making 2006",
    ),
)

_ALL_THRESHOLDS = (
    _of_counts(
        "auroc",
        "Area under the ROC curve",
        "probability that a case of the class has the higher score, ties half",
        module="multi_threshold",
        empty="either side without a case: undefined",
        use="To judge scores over all thresholds where no class is rare.",
        avoid="With a rare class: it looks good too easily; and where only few thresholds will be used.",
        source="Hanley and McNeil, The meaning and use of the area under a ROC curve, Radiology 1982",
    ),
    _of_counts(
        "average_precision",
        "Average precision of cases",
        "Σ (step of sensitivity) · precision, not interpolated",
        module="multi_threshold",
        empty="no case of the class: undefined",
        use="To judge scores over all thresholds with a rare class.",
        avoid="To compare data with other prevalence: guessing gives about the prevalence.",
    ),
    *(
        _of_counts(
            key,
            name,
            f"largest {what} with at least that {promise}",
            module="multi_threshold",
            empty=empty,
            use=f"When a {promise} has been promised.",
            avoid="On data that the threshold was chosen on: it then looks better than it is.",
        )
        for key, name, what, promise, empty in (
            (
                "sensitivity_at_specificity",
                "Sensitivity at a specificity",
                "sensitivity",
                "specificity",
                "either side without a case: undefined",
            ),
            (
                "specificity_at_sensitivity",
                "Specificity at a sensitivity",
                "specificity",
                "sensitivity",
                "either side without a case: undefined",
            ),
            (
                "ppv_at_sensitivity",
                "Precision at a sensitivity",
                "precision",
                "sensitivity",
                "no case of the class: undefined",
            ),
            (
                "sensitivity_at_ppv",
                "Sensitivity at a precision",
                "sensitivity",
                "precision",
                "no threshold is that precise, or no case of the class: undefined",
            ),
        )
    ),
)

_STATED = (
    _of_probabilities(
        "brier_score",
        "Brier score",
        "mean of Σ over classes (p - e)²; for shape (n,) the square of class 1 alone",
        high=2.0,
        use="To judge probabilities as a whole: whether they hold, and whether they tell cases apart.",
        avoid="To learn which of the two is lacking, or to compare data with other prevalence.",
        source="Brier, Verification of forecasts expressed in terms of probability, 1950",
    ),
    _of_probabilities(
        "root_brier_score",
        "Root Brier score",
        "root of the Brier score: an upper bound of errors of calibration",
        high=sqrt(2.0),
        use="For the Brier score on the scale of probabilities.",
        avoid="As an error of calibration: it also counts cases that are not told apart.",
        source="Gruber and Buettner, Better uncertainty calibration via proper scores, NeurIPS 2022",
    ),
    _of_probabilities(
        "negative_log_likelihood",
        "Negative log likelihood",
        "mean of -log p(class of the reference), not clipped",
        high=inf,
        use="When being sure and wrong must cost most.",
        avoid="With references that may be wrong: one case stated as impossible makes it infinite.",
        source="Good, Rational decisions, Journal of the Royal Statistical Society B 1952",
    ),
    _of_probabilities(
        "expected_calibration_error",
        "Expected calibration error, ECE",
        "Σ cases of the bin / n · abs(share that came true - mean p)",
        high=1.0,
        use="Beside a reliability diagram and the Brier score.",
        avoid="Alone, and across numbers of cases or bins: few cases per bin raise it.",
        source="Guo and others, On calibration of modern neural networks, ICML 2017",
    ),
    _of_probabilities(
        "class_wise_calibration_error",
        "Class-wise calibration error",
        "the mean over classes of the calibration error of the probability stated for each",
        high=1.0,
        use="To see whether the probabilities of all classes hold, not only of the likeliest.",
        avoid="With many rare classes: their small probabilities hide errors; read with the Brier score.",
        source="Kull and others, Beyond temperature scaling, NeurIPS 2019",
    ),
    _of_probabilities(
        "squared_kernel_calibration_error",
        "Squared kernel calibration error",
        "mean over pairs of (e - p) · (e' - p') exp(-distance / bandwidth)",
        low=-inf,
        high=2.0,
        empty="fewer than two cases: undefined",
        use="To test calibration without bins or bias; near 0 if calibrated, also below.",
        avoid="To tell how large an error is: its scale depends on the bandwidth; it takes time of n².",
        source="Widmann and others, Calibration tests in multi-class classification, NeurIPS 2019",
    ),
    _of_probabilities(
        "reliability",
        "Reliability diagram, with the excess over all cases",
        "per bin the share that came true against the mean p; excess = share that came true - mean p",
        low=-1.0,
        high=1.0,
        use="To see where probabilities are too high or too low, with intervals by image.",
        avoid="The excess alone: it may be 0 while no bin is calibrated.",
        source="Murphy and Winkler, Reliability of subjective probability forecasts, Applied Statistics 1977",
        function="confidence.reliability.reliability",
    ),
    _of_probabilities(
        "risk_coverage",
        "Area under the risk–coverage curve",
        "mean over k = 1 … n of the mean loss of the k surest cases",
        low=-inf,
        high=inf,
        best=-inf,
        use="To see what is gained by leaving unsure cases to a person.",
        avoid="To compare methods with other losses: it counts both the loss and the confidence.",
        source="Geifman and El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017",
        function="confidence.risk_coverage.risk_coverage",
    ),
    _of_probabilities(
        "conformal_risk_control",
        "Conformal risk control",
        "the first threshold with (n · mean loss + bound) / (n + 1) ≤ alpha; the value is that mean loss",
        high=inf,
        empty="alpha < bound / (n + 1), or no threshold careful enough: no threshold, and why",
        use="To choose a threshold whose mean loss on a new image is promised.",
        avoid="Where new images differ from those calibrated on: the promise ends there.",
        source="Angelopoulos and others, Conformal risk control, ICLR 2024",
        function="confidence.conformal.conformal_risk_control",
    ),
)

DESCRIPTIONS: tuple[Description, ...] = (*_ALL_CLASSES, *_ONE_CLASS, *_ALL_THRESHOLDS, *_STATED)
