"""The report's words: what a verdict, an evidence level, a status or a metric's key means to a reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from veriscope.report.numbers import format_count
from veriscope.report.schema import Candidate, Question

__all__ = [
    "EVIDENCE",
    "STATUS",
    "VERDICTS",
    "VerdictWords",
    "answer_unit",
    "axis_title",
    "main_metrics",
    "metric_name",
    "plotted_metrics",
    "plural",
    "tabled_metrics",
]


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A verdict in words.

    Parameters
    ----------
    headline
        The verdict as a reader should hear it.
    meaning
        What it means for what they may report.
    icon
        A sign whose shape differs from that of the others.
    """

    headline: str
    meaning: str
    icon: str


VERDICTS = {
    "use": VerdictWords(
        "Use",
        "On these images the model's own numbers held up against the audit, in every group. They may be "
        "reported, with the intervals shown here.",
        "✓",
    ),
    "use-with-correction": VerdictWords(
        "Use with the audit's correction",
        "Report the corrected numbers with their intervals. The model's own numbers were not shown to be as "
        "right as the question asks, and should not be reported on their own.",
        "±",
    ),
    "fine-tune-first": VerdictWords(
        "Fine-tune first",
        "The model is not good enough on these images yet. The audited tiles can be used to train it "
        "further; then audit again. Do not report these numbers as a result.",
        "↻",
    ),
    "do-not-use": VerdictWords(
        "Do not use",
        "The model fails on these images. Its numbers should not be reported, with or without correction.",
        "✕",
    ),
    "cannot-tell": VerdictWords(
        "Cannot tell yet",
        "There is not enough evidence to say whether the numbers hold. What is missing is listed below.",
        "?",
    ),
}

EVIDENCE = {
    "untested": "No reference was available: nothing is known about how far this number can be trusted.",
    "screened": "Checked without references only: consistency and image quality, not correctness.",
    "audited": "Checked against references on a random sample of this study's tiles, of known probability.",
    "benchmarked elsewhere": "Tested by others or on other data sets, not on the images of this study.",
}

STATUS = {"holds": ("✓", "holds"), "fails": ("✕", "fails"), "cannot-tell": ("?", "cannot tell")}

_METRIC_NAMES = {
    "f1": "F1",
    "ap": "AP",
    "pq": "PQ",
    "sq": "SQ",
    "rq": "RQ",
    "precision": "Precision",
    "recall": "Recall",
    "mean_matched_iou": "Mean matched IoU",
    "matched_iou": "Mean matched IoU",
    "count_bias": "Count bias (relative)",
    "aji": "AJI",
    "are": "Adapted Rand error",
    "vi": "Variation of information",
    "nsd": "NSD",
    "masd": "MASD",
    "dice": "Dice of all objects together",
    "boundary_iou": "Boundary IoU",
    "split_merge": "Splits and merges per object",
    "centreline_dice": "Centreline Dice",
}
_PLOTTED = ("f1@0.5", "f1@0.7", "pq", "ap@0.5", "mean_matched_iou", "matched_iou")
_MAIN = ("f1@0.5", "f1@0.7", "ap@0.5", "pq", "count_bias")
_QUANTITIES = {
    "count": "number of {objects}",
    "density": "density of {objects}",
    "mean-area": "mean area of {objects}",
    "mean-intensity": "mean intensity of {objects}",
    "mean": "mean {column} of {objects}",
    "fraction": "fraction of {objects}",
    "total-area": "total area of {objects}",
    "area-fraction": "fraction of the area covered by {objects}",
}
_PLURALS = {
    "bacterium": "bacteria",
    "cilium": "cilia",
    "larva": "larvae",
    "mitochondrion": "mitochondria",
    "mitosis": "mitoses",
    "virus": "viruses",
}
_ENDINGS = {"us": "i", "ch": "ches", "sh": "shes", "x": "xes", "s": "s", "i": "i"}
"""As in nucleus, focus, glomerulus, villus; branch; box; and what is in the plural already."""


def plural(number: int, noun: str) -> str:
    """Write a number of things.

    Parameters
    ----------
    number
        How many.
    noun
        One of them.

    Returns
    -------
    str
        Such as ``"1 tile"`` or ``"12 tiles"``.
    """
    return f"{format_count(number)} {noun if number == 1 else many(noun)}"


def many(noun: str) -> str:
    """Give the plural of a noun.

    Parameters
    ----------
    noun
        One thing, such as ``"nucleus"`` or ``"cell nucleus"``.

    Returns
    -------
    str
        Several of them, such as ``"nuclei"``; what is in the plural already stays.
    """
    first, space, word = noun.rpartition(" ")
    if word.lower() in _PLURALS:
        return f"{first}{space}{_PLURALS[word.lower()]}"
    if word in _PLURALS.values():
        return noun
    if re.search("[^aeiou]y$", word):
        return f"{noun[:-1]}ies"
    ending = next((ending for ending in _ENDINGS if word.endswith(ending)), "")
    return noun.removesuffix(ending) + (_ENDINGS[ending] if ending else "s")


def axis_title(question: Question, *, unit: bool = True, short: bool = False) -> str:
    """Name the measured quantity for an axis.

    Parameters
    ----------
    question
        The question asked.
    unit
        Whether to add the unit where there is one that the name does not say already.
    short
        Whether the unit or object alone is enough.

    Returns
    -------
    str
        Such as ``"number of nuclei"`` or ``"mean area of nuclei (µm²)"``.
    """
    objects = many(question.object)
    if short and question.measure == "count":
        return objects
    name = _quantity(question, objects)
    if short:
        name = name.split(" of ")[0]
    return f"{name} ({question.unit})" if unit and question.unit and question.unit != objects else name


def _quantity(question: Question, objects: str) -> str:
    """Name the measure of all objects; one with a column says which, as in "mean:area" or beside it."""
    measure, _, column = question.measure.partition(":")
    column = column or str((question.model_extra or {}).get("column") or "")
    if measure == "fraction" and column:
        return f"fraction of {objects} with {column.replace('>', ' > ').replace('<', ' < ')}"
    if measure == "mean" and not column:
        return f"mean of {objects}"
    known = _QUANTITIES.get(measure)
    if known is None:
        return f"{measure.replace('-', ' ')} of {objects}"
    return known.replace("{objects}", objects).replace("{column}", column.replace("-", " "))


def answer_unit(question: Question) -> str:
    """Give what stands behind the answer's number.

    Parameters
    ----------
    question
        The question asked.

    Returns
    -------
    str
        The unit; for counts without one, what was counted, such as ``"nuclei"``.
    """
    return question.unit or (many(question.object) if question.measure == "count" else "")


def metric_name(key: str) -> str:
    """Give a metric its name.

    Parameters
    ----------
    key
        As in the record, such as ``"f1@0.5"``.

    Returns
    -------
    str
        Such as ``"F1 at IoU 0.5"``.
    """
    base, _, threshold = key.partition("@")
    name = _METRIC_NAMES.get(base, re.sub(r"[_-]+", " ", base))
    return f"{name} at IoU {threshold}" if threshold else name


def _keys(candidates: Sequence[Candidate]) -> list[str]:
    return list(dict.fromkeys(key for candidate in candidates for key in candidate.metrics or {}))


def plotted_metrics(candidates: Sequence[Candidate]) -> list[str]:
    """Choose the metrics to draw.

    Parameters
    ----------
    candidates
        Candidates with or without metrics.

    Returns
    -------
    list of str
        Up to three keys that some candidate has, all of the kind that ends at 1 and is better the higher.
    """
    present = _keys(candidates)
    return [key for key in _PLOTTED if key in present][:3]


def tabled_metrics(candidates: Sequence[Candidate]) -> list[str]:
    """Choose the metrics to tabulate.

    Parameters
    ----------
    candidates
        Candidates with or without metrics.

    Returns
    -------
    list of str
        All keys that some candidate has, the main ones first.
    """
    present = _keys(candidates)
    return [key for key in _MAIN if key in present] + [key for key in present if key not in _MAIN]


def main_metrics(candidates: Sequence[Candidate]) -> list[str]:
    """Choose the metrics that candidates are compared by side by side.

    Parameters
    ----------
    candidates
        Candidates with or without metrics.

    Returns
    -------
    list of str
        Up to five keys that some candidate has: the main ones, or else the first.
    """
    keys = tabled_metrics(candidates)
    return [key for key in keys if key in _MAIN] or keys[:5]
