"""Metrics of classes, scores and probabilities against scikit-learn, scipy, and formulas written out.

Cases are random classes, scores with ties, and probabilities that hold or are too sure; and parts of two real
sets that come with scikit-learn (breast cytology, wine), with cross-validated probabilities of a logistic
regression. Where no package has a metric, its formula is written out by loops, from the paper named.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy import stats
from sklearn import datasets
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from veriscope.validate.confidence.conformal import conformal_risk_control
from veriscope.validate.confidence.reliability import reliability
from veriscope.validate.confidence.risk_coverage import risk_coverage
from veriscope.validate.metrics.classification import calibration, confusion, multi_threshold, per_class
from veriscope.validate.recalibration.venn_abers import fit_venn_abers

SKLEARN = f"scikit-learn {sklearn.__version__}"
SCIPY = f"scipy {scipy.__version__}"
TOLERANCE = 1e-9

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Classes, decisions, probabilities and scores of some cases."""

    n_classes: int
    true: NDArray[np.int64]
    decided: NDArray[np.int64]
    stated: FloatArray
    scores: FloatArray
    option: float

    @property
    def counts(self) -> FloatArray:
        """Confusion matrix."""
        return confusion.confusion_matrix(self.true, self.decided, n_classes=self.n_classes)

    @property
    def decisions(self) -> per_class.Decisions:
        """Counts of class 1 against the rest."""
        return per_class.one_versus_rest(self.counts, positive=1)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Whether each case is of class 1."""
        return self.true == 1


Values = tuple[float, float | None]
Judge = Callable[[Case], Values]


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Compare each metric with its peer."""
    random = np.random.default_rng(20240521)
    cases = [make_case(random) for _ in range(8 if quick else 400)] + real_cases(random, 2 if quick else 40)
    return [one_row(key, name, judge, cases) for key, (name, judge) in PEERS.items()]


def make_case(random: np.random.Generator) -> Case:
    """Draw cases; classes may be missing, scores tie, and probabilities hold or are too sure."""
    n, n_classes = int(random.integers(2, 60)), int(random.integers(2, 5))
    stated = random.dirichlet(random.uniform(0.2, 3, n_classes), size=n)
    stated = np.maximum(stated, 1e-9) / np.maximum(stated, 1e-9).sum(axis=1, keepdims=True)
    sharp = stated ** random.choice([1.0, 1.0, 2.0])
    true = np.array([random.choice(n_classes, p=row / row.sum()) for row in sharp])
    decided = np.where(random.random(n) < 0.7, true, random.integers(0, n_classes, n))
    scores = np.round(random.normal(size=n) + (true == 1), int(random.integers(0, 3)))
    return Case(n_classes, true, decided, stated, scores, float(random.uniform(0.1, 0.9)))


def real_cases(random: np.random.Generator, n: int) -> list[Case]:
    """Take parts of real sets, predicted by a model that has not seen them."""
    cases = []
    for load in (datasets.load_breast_cancer, datasets.load_wine):
        features, true = load(return_X_y=True)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
        stated = cross_val_predict(model, features, true, method="predict_proba", cv=5)
        for _ in range(n // 2):
            part = random.choice(len(true), size=50, replace=False)
            scores = np.round(stated[part, 1], 1)
            decided = stated[part].argmax(axis=1)
            option = float(random.uniform(0.1, 0.9))
            cases.append(Case(stated.shape[1], true[part], decided, stated[part], scores, option))
    return cases


def one_row(key: str, name: str, judge: Judge, cases: list[Case]) -> dict[str, Any]:
    """Join the differences; both undefined agrees, and is counted."""
    differences, left_out = [], 0
    for case in cases:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peers warn where a class is missing
            ours, theirs = judge(case)
        if theirs is None:
            left_out += 1
        elif ours == theirs or (math.isnan(ours) and math.isnan(theirs)):
            differences.append(0.0)
        else:
            difference = abs(ours - theirs)
            differences.append(difference if math.isfinite(difference) else math.inf)
    return {
        "metric": key.partition(",")[0],
        "peer": name,
        "n_cases": len(differences),
        "max_difference": float(max(differences, default=0.0)),
        "tolerance": TOLERANCE,
        "explained": f"{left_out} left out: {LEFT_OUT[key]}" if left_out else "",
    }


_ONE_SIDE = "a side has no case, where ours is undefined and the peer gives 0 or stops"
LEFT_OUT = {
    "matthews_correlation": "one side has a single class, where ours is undefined and scikit-learn gives 0",
    "positive_likelihood_ratio": f"{_ONE_SIDE}; or infinite, which scikit-learn calls undefined",
    "auroc": _ONE_SIDE,
    "auroc, by ranks": _ONE_SIDE,
    "average_precision": _ONE_SIDE,
}


def both_sides(case: Case) -> bool:
    """Whether class 1 and the rest occur."""
    return bool(case.positive.any() and not case.positive.all())


def by_rate(name: str, **options: Any) -> Judge:
    """Compare a rate of class 1 with scikit-learn's precision, recall or F."""

    def judge(case: Case) -> Values:
        ours = float(getattr(per_class, name)(case.decisions, **dict.fromkeys(options, case.option)))
        decided = case.decided == 1
        undefined = {"zero_division": np.nan}
        if name == "sensitivity":
            theirs = peer.recall_score(case.positive, decided, **undefined)
        elif name == "specificity":
            theirs = peer.recall_score(~case.positive, ~decided, **undefined)
        elif name == "positive_predictive_value":
            theirs = peer.precision_score(case.positive, decided, **undefined)
        elif name == "negative_predictive_value":
            theirs = peer.precision_score(~case.positive, ~decided, **undefined)
        else:
            theirs = peer.fbeta_score(case.positive, decided, beta=case.option, **undefined)
        return ours, float(theirs)

    return judge


def likelihood_ratio(case: Case) -> Values:
    """LR+ of scikit-learn; it calls LR+ without a false alarm undefined."""
    ours = float(per_class.positive_likelihood_ratio(case.decisions))
    if not both_sides(case) or math.isinf(ours):
        return ours, None
    return ours, float(peer.class_likelihood_ratios(case.positive, case.decided == 1)[0])


def net_benefit(case: Case) -> Values:
    """Vickers and Elkin: gains less weighted losses, case by case."""
    ours = float(per_class.net_benefit(case.decisions, risk_threshold=case.option))
    odds = case.option / (1 - case.option)
    gains = [
        (1.0 if true else -odds) if decided else 0.0
        for true, decided in zip(case.positive, case.decided == 1, strict=True)
    ]
    return ours, sum(gains) / len(gains)


def expected_cost(case: Case) -> Values:
    """Ferrer: the mean cost over cases, priors as in the data."""
    costs = np.abs(np.subtract.outer(np.arange(case.n_classes), np.arange(case.n_classes))) * case.option
    ours = float(confusion.expected_cost(case.counts, costs))
    return ours, float(np.mean([costs[t, d] for t, d in zip(case.true, case.decided, strict=True)]))


def matthews(case: Case) -> Values:
    """R_K; scikit-learn gives 0 where a side has one class."""
    ours = float(confusion.matthews_correlation(case.counts))
    single = len(set(case.true)) == 1 or len(set(case.decided)) == 1
    return ours, None if single else float(peer.matthews_corrcoef(case.true, case.decided))


def kappa(case: Case) -> Values:
    """Quadratic weights."""
    ours = float(confusion.weighted_kappa(case.counts))
    labels = range(case.n_classes)
    return ours, float(peer.cohen_kappa_score(case.true, case.decided, labels=labels, weights="quadratic"))


def balanced(case: Case) -> Values:
    """Mean recall of the classes of the reference."""
    return float(confusion.balanced_accuracy(case.counts)), float(
        peer.recall_score(case.true, case.decided, labels=sorted(set(case.true)), average="macro")
    )


def auroc(case: Case) -> Values:
    """ROC with ties."""
    ours = multi_threshold.auroc(case.positive, case.scores)
    return ours, float(peer.roc_auc_score(case.positive, case.scores)) if both_sides(case) else None


def auroc_by_ranks(case: Case) -> Values:
    """Mann-Whitney U over pairs."""
    ours = multi_threshold.auroc(case.positive, case.scores)
    if not both_sides(case):
        return ours, None
    one, rest = case.scores[case.positive], case.scores[~case.positive]
    return ours, float(stats.mannwhitneyu(one, rest).statistic) / (len(one) * len(rest))


def average_precision(case: Case) -> Values:
    """AP without interpolation."""
    ours = multi_threshold.average_precision(case.positive, case.scores)
    theirs = peer.average_precision_score(case.positive, case.scores) if case.positive.any() else None
    return ours, theirs


def share(true: NDArray[np.bool_]) -> float:
    """Share of True, undefined without any."""
    return float(true.mean()) if len(true) else math.nan


def operating_point(name: str) -> Judge:
    """Try every threshold and decide anew."""
    value_of, kept_of = {
        "sensitivity_at_specificity": ("sens", "spec"),
        "specificity_at_sensitivity": ("spec", "sens"),
        "ppv_at_sensitivity": ("ppv", "sens"),
        "sensitivity_at_ppv": ("sens", "ppv"),
    }[name]

    def judge(case: Case) -> Values:
        ours = getattr(multi_threshold, name)(case.positive, case.scores, at_least=case.option).value
        best = math.nan
        for threshold in [math.inf, *case.scores]:
            decided = case.scores >= threshold
            rates = {
                "sens": share(decided[case.positive]),
                "spec": share(~decided[~case.positive]),
                "ppv": share(case.positive[decided]),
            }
            if rates[kept_of] >= case.option and not math.isnan(rates[value_of]):
                best = max(rates[value_of], best) if not math.isnan(best) else rates[value_of]
        return ours, best

    return judge


def brier(case: Case) -> Values:
    """Sum over classes of scikit-learn's binary score."""
    theirs = sum(peer.brier_score_loss(case.true == k, case.stated[:, k]) for k in range(case.n_classes))
    return calibration.brier_score(case.true, case.stated), float(theirs)


def root_brier(case: Case) -> Values:
    """Its root."""
    return calibration.root_brier_score(case.true, case.stated), math.sqrt(brier(case)[1] or 0.0)


def likelihood(case: Case) -> Values:
    """Log loss."""
    theirs = peer.log_loss(case.true, case.stated, labels=range(case.n_classes))
    return calibration.negative_log_likelihood(case.true, case.stated), float(theirs)


def binned_error(true: NDArray[np.bool_], stated: FloatArray, n_bins: int = 15) -> float:
    """Guo and others, eq. 3: bins ((m - 1) / M, m / M], the first with 0."""
    total = 0.0
    for m in range(1, n_bins + 1):
        members = [
            i for i, p in enumerate(stated) if (m - 1) / n_bins < p <= m / n_bins or (m == 1 and p == 0)
        ]
        if members:
            accuracy = sum(bool(true[i]) for i in members) / len(members)
            confidence = sum(float(stated[i]) for i in members) / len(members)
            total += len(members) / len(stated) * abs(accuracy - confidence)
    return total


def expected_error(case: Case) -> Values:
    """ECE of the most probable class."""
    true, stated = calibration.top_label(case.true, case.stated)
    return calibration.expected_calibration_error(true, stated), binned_error(true, stated)


def class_wise_error(case: Case) -> Values:
    """Mean over classes of its binned error."""
    each = [binned_error(case.true == k, case.stated[:, k]) for k in range(case.n_classes)]
    return calibration.class_wise_calibration_error(case.true, case.stated), sum(each) / len(each)


def kernel_error(case: Case) -> Values:
    """Widmann and others: mean over pairs of the kernel times the product of residuals."""
    ours = calibration.squared_kernel_calibration_error(case.true, case.stated, bandwidth=case.option)
    residuals = [np.eye(case.n_classes)[t] - p for t, p in zip(case.true, case.stated, strict=True)]
    pairs = [
        float(residuals[i] @ residuals[j])
        * math.exp(-math.dist(case.stated[i], case.stated[j]) / case.option)
        for i, j in combinations(range(len(case.true)), 2)
    ]
    return ours, sum(pairs) / len(pairs)


def diagram(case: Case) -> Values:
    """Compare scikit-learn's calibration curve, as the largest difference of any bin, and the excess."""
    stated = case.stated[:, 1]
    found = reliability(case.positive, stated, units=list(range(len(stated))), n_bins=5, binning="width")
    shares, means = calibration_curve(case.positive, stated, n_bins=5)
    ours = [(each.observed.value, each.stated) for each in found.bins]
    if len(ours) != len(shares):
        return math.inf, 0.0
    bins = max(max(abs(a - s), abs(b - m)) for (a, b), s, m in zip(ours, shares, means, strict=True))
    excess = abs(found.excess.value - float(np.mean(case.positive) - np.mean(stated)))
    return max(bins, excess), 0.0


def risk_area(case: Case) -> Values:
    """Geifman and El-Yaniv: the mean risk over all coverages; ties by the mean over their orders."""
    random = np.random.default_rng(0)
    losses = random.random(len(case.true))
    order = sorted(set(case.scores.tolist()), reverse=True)
    total, kept, loss = 0.0, 0, 0.0
    for score in order:
        tied = losses[case.scores == score]
        for k in range(1, len(tied) + 1):
            total += (loss + k * float(tied.mean())) / (kept + k)
        kept, loss = kept + len(tied), loss + float(tied.sum())
    return risk_coverage(losses, case.scores).area, total / len(losses)


def conformal(case: Case) -> Values:
    """Angelopoulos and others, eq. 4: the infimum over thresholds, one after the other."""
    random = np.random.default_rng(len(case.true))
    grid = np.linspace(1, 0, 21)
    losses = np.array([[float((row < t).mean()) for t in grid] for row in random.beta(5, 1, (40, 25))])
    alpha = max(case.option / 2, 0.03)
    chosen = conformal_risk_control(losses[: len(case.true)], grid, alpha=alpha).threshold
    n = len(losses[: len(case.true)])
    for k, threshold in enumerate(grid):
        mean = sum(float(row[k]) for row in losses[:n]) / n
        if n / (n + 1) * mean + 1 / (n + 1) <= alpha:
            return -1.0 if chosen is None else chosen, float(threshold)
    return -1.0 if chosen is None else chosen, -1.0


def venn_abers(case: Case) -> Values:
    """Vovk and others: isotonic regression fitted anew with each case as false and as true."""
    half = len(case.true) // 2
    found = fit_venn_abers(case.positive[:half], case.scores[:half]).intervals(case.scores[half:])
    worst = 0.0
    for score, pair in zip(case.scores[half:], found, strict=True):
        for label in (0, 1):
            scores = np.append(case.scores[:half], score)
            outcomes = np.append(case.positive[:half], label).astype(float)
            fit = float(IsotonicRegression().fit(scores, outcomes).predict([score])[0])
            worst = max(worst, abs(fit - pair[label]))
    return worst, 0.0


PEERS: dict[str, tuple[str, Judge]] = {
    "accuracy": (
        f"{SKLEARN}: accuracy_score",
        lambda case: (
            float(confusion.accuracy(case.counts)),
            float(peer.accuracy_score(case.true, case.decided)),
        ),
    ),
    "balanced_accuracy": (f"{SKLEARN}: recall_score, macro", balanced),
    "matthews_correlation": (f"{SKLEARN}: matthews_corrcoef", matthews),
    "weighted_kappa": (f"{SKLEARN}: cohen_kappa_score, quadratic", kappa),
    "expected_cost": ("brute force after Ferrer 2022", expected_cost),
    "sensitivity": (f"{SKLEARN}: recall_score", by_rate("sensitivity")),
    "specificity": (f"{SKLEARN}: recall_score of the rest", by_rate("specificity")),
    "positive_predictive_value": (f"{SKLEARN}: precision_score", by_rate("positive_predictive_value")),
    "negative_predictive_value": (
        f"{SKLEARN}: precision_score of the rest",
        by_rate("negative_predictive_value"),
    ),
    "f_beta": (f"{SKLEARN}: fbeta_score", by_rate("f_beta", beta=True)),
    "positive_likelihood_ratio": (f"{SKLEARN}: class_likelihood_ratios", likelihood_ratio),
    "net_benefit": ("brute force after Vickers and Elkin 2006", net_benefit),
    "auroc": (f"{SKLEARN}: roc_auc_score", auroc),
    "auroc, by ranks": (f"{SCIPY}: mannwhitneyu", auroc_by_ranks),
    "average_precision": (f"{SKLEARN}: average_precision_score", average_precision),
    **{
        name: ("brute force after Maier-Hein and others 2024: every threshold", operating_point(name))
        for name in (
            "sensitivity_at_specificity",
            "specificity_at_sensitivity",
            "ppv_at_sensitivity",
            "sensitivity_at_ppv",
        )
    },
    "brier_score": (f"{SKLEARN}: brier_score_loss, summed over classes", brier),
    "root_brier_score": (f"{SKLEARN}: brier_score_loss, root", root_brier),
    "negative_log_likelihood": (f"{SKLEARN}: log_loss", likelihood),
    "expected_calibration_error": ("brute force after Guo and others 2017", expected_error),
    "class_wise_calibration_error": ("brute force after Kull and others 2019", class_wise_error),
    "squared_kernel_calibration_error": ("brute force after Widmann and others 2019", kernel_error),
    "reliability": (f"{SKLEARN}: calibration_curve", diagram),
    "risk_coverage": ("brute force after Geifman and El-Yaniv 2017", risk_area),
    "conformal_risk_control": ("brute force after Angelopoulos and others 2024", conformal),
    "venn_abers": (f"{SKLEARN}: IsotonicRegression, fitted anew for every case", venn_abers),
}
