"""Verbs that judge anyone's predictions, and that choose what to judge them by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from veriscope.cli.arguments import Json, Quiet, Spacing, StudyPath, parse_parameters, parse_spacing

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    for verb in (fingerprint, metrics, compare):
        app.command()(verb)


def fingerprint(
    study: StudyPath,
    answer: Annotated[
        list[str] | None,
        typer.Option("--set", help="ITEM=ANSWER, such as tubular=yes; may be repeated; overrides."),
    ] = None,
    ask: Annotated[
        bool | None, typer.Option(help="Ask what is open; by default if a person sits at the terminal.")
    ] = None,
    json: Json = False,
) -> None:
    """Describe the problem, and get the metrics that fit it."""
    from veriscope.cli.advice import ask_person, show_fingerprint
    from veriscope.cli.output import emit_json
    from veriscope.workflow.study import Study

    asking = ask or (ask is None and not json and typer.get_text_stream("stdin").isatty())
    found = Study(study).fingerprint(answers=parse_parameters(answer), ask=ask_person if asking else None)
    if json:
        emit_json(found)
    else:
        show_fingerprint(found)


def metrics(
    name: Annotated[str | None, typer.Argument(help="Metric to show in full; all otherwise.")] = None,
    task: Annotated[
        str | None,
        typer.Option(help="instance, semantic, detection, classification, restoration or tracking."),
    ] = None,
    json: Json = False,
) -> None:
    """List the metrics: formula, range, direction, empty case, when (not) to use them, source."""
    from veriscope.cli.output import emit_json, number, out, show_table
    from veriscope.validate.catalogue import catalogue, describe_metric

    found = describe_metric(name) if name else catalogue(task=task)
    if json:
        emit_json({"schema": "veriscope/metrics/1", "metrics": [item.to_dict() for item in found]})
        return
    if name is None:
        rows = [[item.key, item.name, ", ".join(item.tasks), item.direction] for item in found]
        show_table(
            "Metrics (veriscope metrics NAME shows one in full)",
            ["key", "name", "for", "better"],
            rows,
            words=True,
        )
        return
    for item in found:
        out().print(f"{item.key}: {item.name}", style="bold", markup=False)
        high = "no upper end" if item.high == float("inf") else number(item.high)
        low = "no lower end" if item.low == -float("inf") else number(item.low)
        lines = {
            "for": ", ".join(item.tasks),
            "formula": item.formula,
            "range": f"{low} to {high}; {item.direction}",
            "empty case": item.empty,
            "use": item.use,
            "avoid": item.avoid,
            "source": item.source,
            "computed by": f"veriscope.validate.{item.function}",
        }
        for key, text in lines.items():
            out().print(f"  {key}: {text}", markup=False)


def compare(
    references: Annotated[Path, typer.Argument(help="Folder of references.")],
    predictions: Annotated[
        list[Path], typer.Argument(help="Folder of predictions, same names; several are ranked.")
    ],
    task: Annotated[
        str,
        typer.Option(help="instance, semantic, detection, classification, restoration or tracking."),
    ] = "instance",
    threshold: Annotated[
        list[float] | None, typer.Option(help="IoU threshold; may be repeated. Default 0.5, 0.7, 0.9.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Metric to rank by; otherwise the first that fits the problem.")
    ] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    groups: Annotated[
        Path | None, typer.Option(help="Sample sheet whose replicates are the units, not images.")
    ] = None,
    spacing: Spacing = None,
    measure: Annotated[
        str | None,
        typer.Option(help="Check that this survives the errors: count, mean-area … as in veriscope new."),
    ] = None,
    tolerance: Annotated[
        str | None, typer.Option(help="Error of the measure that would change your conclusion, such as 5%.")
    ] = None,
    boundaries: Annotated[
        bool, typer.Option("--boundaries", help="Judge the outlines of matched objects too (instance).")
    ] = False,
    boundary_tolerance: Annotated[
        float | None,
        typer.Option(help="Distance between two raters' outlines, µm (px if uncalibrated). Default 2 px."),
    ] = None,
    criterion: Annotated[
        str | None,
        typer.Option(
            help="When an object counts as found (detection): box_iou, mask_iou, boundary_iou, "
            "intersection_over_reference, point_in_mask or centre_distance."
        ),
    ] = None,
    object_size: Annotated[
        float | None,
        typer.Option(help="Typical object diameter, µm (px if uncalibrated); otherwise measured."),
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option(help="Folder of maps of probability, 0 to 1, named as the predictions (one candidate)."),
    ] = None,
    objects: Annotated[
        Path | None, typer.Option(help="Table to write: what became of each object, .parquet or .csv.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Classes in their order, such as low,middle,high (classification).")
    ] = None,
    data_range: Annotated[
        float | None, typer.Option(help="Largest minus smallest possible intensity (restoration).")
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option("--set", help="ITEM=ANSWER of the fingerprint, such as tubular=yes; may be repeated."),
    ] = None,
    components: Annotated[
        bool,
        typer.Option("--connected-components", help="Take the connected pieces of masks as objects."),
    ] = False,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Take everything but 0 as one class (semantic).")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out references without a prediction.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Judge predictions of any tool against references; rank them if there are several."""
    from veriscope.cli.comparison import show_comparison
    from veriscope.cli.output import emit_json, progress_bar
    from veriscope.workflow.comparison.folders import compare_folders

    options: Mapping[str, Any] = {
        "thresholds": tuple(threshold) if threshold else (0.5, 0.7, 0.9),
        "level": level,
        "metric": metric,
        "spacing": parse_spacing(spacing),
        "measure": measure,
        "tolerance": tolerance,
        "boundaries": boundaries,
        "boundary_tolerance": boundary_tolerance,
        "classes": tuple(name.strip() for name in classes.split(",")) if classes else None,
        "data_range": data_range,
        "answers": parse_parameters(answer),
        "criterion": criterion,
        "object_size": object_size,
        "components": components,
        "foreground": foreground,
    }
    with progress_bar(quiet=quiet or json) as progress:
        found = compare_folders(
            references,
            *predictions,
            task=task,
            groups=groups,
            partial=partial,
            probabilities=probabilities,
            objects=objects,
            progress=progress,
            **options,
        )
    if json:
        emit_json(found)
    else:
        show_comparison(found)
