"""The paragraphs of a paper's methods section, written from the report's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from veriscope.report.numbers import format_exact, format_percent
from veriscope.report.record import check_record
from veriscope.report.schema import Audit, Candidate, ReportRecord
from veriscope.report.wording import axis_title, main_metrics, many, metric_name, plural, tabled_metrics

__all__ = ["methods_text"]

_SAMPLING = (
    "Hansen MH, Hurwitz WN. On the theory of sampling from finite populations. "
    "Ann Math Stat 14, 333–362 (1943). doi:10.1214/aoms/1177731356"
)
_AGREEMENT = (
    "Bland JM, Altman DG. Statistical methods for assessing agreement between two methods of clinical "
    "measurement. Lancet 327, 307–310 (1986). doi:10.1016/S0140-6736(86)90837-8"
)
_PANOPTIC = "Kirillov A et al. Panoptic segmentation. CVPR, 9404–9413 (2019). doi:10.1109/CVPR.2019.00963"


def methods_text(record: Mapping[str, Any]) -> str:
    """Write the methods section that belongs to a report.

    Parameters
    ----------
    record
        The report's record; its own ``methods_text`` is not read.

    Returns
    -------
    str
        Plain text: paragraphs parted by an empty line, with versions, parameters, the audit's design,
        estimator and intervals; the last one lists what to cite, one per line.

    Raises
    ------
    InputError
        If the record does not fit its schema.
    """
    checked = check_record(record)
    parts = [
        _images(checked),
        _segmentation(checked),
        _audit(checked.audit),
        _estimation(checked),
        _validation(checked),
        _references(checked),
    ]
    return "\n\n".join(part for part in parts if part)


def _join(items: Iterable[str]) -> str:
    found = list(items)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1] if found else ""


def _images(record: ReportRecord) -> str:
    study = record.study
    size = plural(study.n_images, "image")
    if study.n_replicates is not None:
        size += f" from {plural(study.n_replicates, 'replicate')}"
    where = f"pixel size {study.spacing}" if study.spacing != "uncalibrated" else "no pixel size recorded"
    channel = f"channel {study.channel}, " if study.channel else ""
    text = f"Images were analysed with Veriscope {record.veriscope} ({size}; {channel}{where})."
    versions = [f"{name} {version}" for name, version in _versions(record.environment)]
    return text + (f" It ran on {_join(versions)}." if versions else "")


def _versions(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    packages = environment.get("packages") or {}
    named = [("Python", str(environment["python"]))] if environment.get("python") else []
    return named + [
        (name, str(packages[name])) for name in ("numpy", "scikit-image", "onnxruntime") if name in packages
    ]


def _parameters(candidate: Candidate) -> str:
    shown = [
        f"{name} = {_value(value)}"
        for name, value in sorted(candidate.parameters.items())
        if value is not None
    ]
    return "; ".join(shown)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_exact(value) if isinstance(value, float) else str(value)


def _named(candidate: Candidate) -> str:
    inside = [
        part
        for part in (f"version {candidate.version}" if candidate.version else "", _parameters(candidate))
        if part
    ]
    return candidate.method + (f" ({'; '.join(inside)})" if inside else "")


def _segmentation(record: ReportRecord) -> str:
    if not record.ran:
        return ""
    objects = many(record.question.object).capitalize()
    chosen = record.chosen
    others = [candidate for candidate in record.ran if candidate is not chosen]
    if chosen is None:
        return f"{objects} were segmented with {_join(map(_named, others))}."
    text = f"{objects} were segmented with {_named(chosen)}."
    if chosen.summary:
        text += f" {chosen.summary.rstrip('.')}."
    if chosen.training_data and chosen.training_data != "none":
        text += f" It was trained on {chosen.training_data.rstrip('.')}."
    if others:
        text += f" It was chosen among {len(others) + 1} candidates; "
        text += f"the others were {_join(map(_named, others))}."
    return text


def _tile_size(audit: Audit) -> str:
    size = audit.tile_size
    if isinstance(size, list):
        return " × ".join(map(str, size)) + " pixels"
    return f"{size} × {size} pixels" if isinstance(size, int) else str(size or "")


def _audit(audit: Audit | None) -> str:
    if audit is None or not audit.n_drawn:
        return "No tiles were annotated: the numbers are the model's own and are untested on these images."
    size = f" of {_tile_size(audit)}" if audit.tile_size else ""
    text = (
        f"An audit sample of {plural(audit.n_drawn, 'tile')}{size} was drawn at random with known "
        f"probability{_sizing(audit)}"
    )
    details = [plural(audit.n_distinct, "distinct tile") if audit.n_distinct is not None else ""]
    details.append(f"random seed {audit.seed}" if audit.seed is not None else "")
    inside = "; ".join(detail for detail in details if detail)
    text += f" ({inside})." if inside else "."
    text += f" {audit.design}" if audit.design else ""
    if audit.n_annotated is not None:
        verb = "was" if audit.n_annotated == 1 else "were"
        text += f" {plural(audit.n_annotated, 'tile')} {verb} annotated"
        text += f" (references: {audit.reference_source})." if audit.reference_source else "."
    return text


def _sizing(audit: Audit) -> str:
    return f", guided by the predictions of {_join(audit.sized_by)}" if audit.sized_by else ""


def _estimation(record: ReportRecord) -> str:
    groups = [group for group in record.estimate.groups if group.status == "ok"]
    if not groups:
        return "No group had enough audited tiles for an estimate with an interval."
    estimators = sorted({group.estimator for group in groups if group.estimator})
    level = format_percent(groups[0].level)
    named = f" ({_join(estimators)})" if estimators else ""
    text = (
        f"The {axis_title(record.question)} was estimated "
        "for each group from the predictions on all images and the references on the audited tiles"
        f"{named}; intervals are at the {level} level."
    )
    assumptions = list(dict.fromkeys(line for group in groups for line in group.assumptions))
    if assumptions:
        text += " Assumptions: " + "; ".join(line.rstrip(".") for line in assumptions) + "."
    if any(contrast.status == "ok" for contrast in record.estimate.contrasts):
        adjusted = any(contrast.p_adjusted is not None for contrast in record.estimate.contrasts)
        scopes = {contrast.scope for contrast in record.estimate.contrasts if contrast.status == "ok"}
        unit = "replicates" if "replicates" in scopes else "images"
        text += f" Groups were compared with {unit}, not objects, as the unit"
        text += ", with p-values adjusted for the number of comparisons." if adjusted else "."
    return text


def _validation(record: ReportRecord) -> str:
    keys = main_metrics(record.ran)
    if not keys:
        return ""
    metrics = [metric for candidate in record.ran for metric in (candidate.metrics or {}).values()]
    units = sorted({metric.unit for metric in metrics if metric.unit})
    by = f", with intervals by {_join(units)}" if units else ""
    names = _join(map(_in_sentence, keys))
    text = f"Candidates were compared with the references of the audited tiles by {names}{by}."
    if any(key.startswith("ap@") for key in keys):
        text += " AP is TP / (TP + FP + FN)."
    if record.agreement:
        text += " Agreement by tile is given as mean difference with limits of agreement."
    return text


def _in_sentence(key: str) -> str:
    """Name a metric within a sentence: abbreviations stay as they are."""
    name = metric_name(key)
    return name if name[1:2].isupper() or name[1:2].isdigit() else name[0].lower() + name[1:]


def _references(record: ReportRecord) -> str:
    lines = [candidate.citation for candidate in record.ran if candidate.citation]
    if record.audit is not None and record.audit.n_drawn:
        lines.append(_SAMPLING)
    if record.agreement:
        lines.append(_AGREEMENT)
    if any(key.startswith("pq") for key in tabled_metrics(record.ran)):
        lines.append(_PANOPTIC)
    return "\n".join(["References", *dict.fromkeys(lines)]) if lines else ""
