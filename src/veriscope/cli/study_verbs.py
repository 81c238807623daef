"""Verbs that make, run and judge a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from veriscope.cli.arguments import (
    Axes,
    Channel,
    Json,
    Quiet,
    SeriesOrEach,
    SkipBad,
    Spacing,
    StudyPath,
    parse_series,
    parse_spacing,
)
from veriscope.cli.cluster import ClusterFile, Scheduler, Wait, on_cluster
from veriscope.core.words import counted
from veriscope.errors import VeriscopeError

if TYPE_CHECKING:
    from veriscope.workflow.study import Study

__all__ = ["register"]

Method = Annotated[
    str | None, typer.Option("--method", help="Candidate; otherwise the one that validation ranks first.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    for verb in (new, run, validate, estimate, verdict, report, demo):
        app.command()(verb)


def _open(path: Path) -> Study:
    from veriscope.workflow.study import Study

    return Study(path)


def new(
    study: StudyPath,
    images: Annotated[
        list[str], typer.Option(help="Folder, file or pattern of images, or OME-Zarr plate; may be repeated.")
    ],
    pattern: Annotated[
        str | None,
        typer.Option(
            help="What names say, such as '{plate}_{well}_{field}.tif'; also row, column, channel, group, "
            "replicate, and * for the rest."
        ),
    ] = None,
    object: Annotated[str, typer.Option(help="What is looked for: nucleus, cell, particle …")] = "object",
    measure: Annotated[
        str,
        typer.Option(
            help="count, density, mean-area, mean-intensity, mean:COLUMN, fraction:COLUMN>VALUE, "
            "total-area or area-fraction."
        ),
    ] = "count",
    groups: Annotated[
        Path | None, typer.Option(help="Sample sheet (CSV): image, group, replicate; or well, group.")
    ] = None,
    group_by: Annotated[
        Literal["row", "column", "plate"] | None,
        typer.Option(help="Without a sheet, take rows or columns of wells, or plates, as groups."),
    ] = None,
    acquisition: Annotated[
        int | None, typer.Option(help="Which acquisition of a plate that has several.")
    ] = None,
    tolerance: Annotated[
        str | None, typer.Option(help="Error that would change your conclusion, such as 5%.")
    ] = None,
    level: Annotated[float, typer.Option(help="Confidence level of the answer.")] = 0.9,
    channel: Channel = None,
    axes: Axes = None,
    spacing: Spacing = None,
    series: SeriesOrEach = None,
    plane: Annotated[
        str | None,
        typer.Option(
            help="Which plane of stacks: z=max, z=mean, z=middle or z=14; of time-lapses: t=each (every time "
            "point is an image) or t=0; of both: z=max,t=each."
        ),
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(help="Typical object diameter in pixels; otherwise estimated.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="Candidate method; may be repeated.")] = None,
    modality: Annotated[
        Literal["fluorescence", "histology", "brightfield", "phase-contrast", "electron-microscopy"] | None,
        typer.Option(help="Microscopy that the images are of; otherwise as far as their pixels tell."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Title of the study.")] = None,
    tile_size: Annotated[int, typer.Option(help="Largest side of an audit tile, in pixels.")] = 256,
    seed: Annotated[int, typer.Option(help="Seed of the audit's draws.")] = 0,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Read the images where they are, without a copy.")
    ] = False,
    skip_bad: SkipBad = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a study from images."""
    from veriscope.cli.new_study import new_summary, show_new
    from veriscope.cli.output import emit_json, progress_bar
    from veriscope.workflow.study import Study

    with progress_bar(quiet=quiet or json) as progress:
        made = Study.new(
            study,
            images=images,
            pattern=pattern,
            object=object,
            measure=measure,
            groups=None if groups is None else str(groups),
            group_by=group_by,
            acquisition=acquisition,
            tolerance=tolerance,
            level=level,
            channel=channel,
            axes=axes,
            spacing=parse_spacing(spacing),
            series=parse_series(series),
            plane=plane,
            diameter=diameter,
            methods=tuple(method) if method else None,
            modality=modality,
            name=name,
            tile_size=tile_size,
            seed=seed,
            in_place=in_place,
            skip_bad=skip_bad,
            progress=progress,
        )
    summary = new_summary(made, chosen=method is not None)
    if json:
        emit_json(summary)
    else:
        show_new(summary, told=modality is not None)


def run(
    study: StudyPath,
    only: Annotated[list[str] | None, typer.Option(help="Candidate to run; may be repeated.")] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            help="Most memory for predicting, as 2GB; of each worker of a cluster. Images that need more are "
            "predicted part by part."
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1, help="Most processes that predict at a time; fewer where --memory makes that faster."
        ),
    ] = 1,
    scheduler: Scheduler = None,
    cluster: ClusterFile = None,
    wait: Wait = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run every candidate on every image; what is current is skipped, a killed run resumes."""
    import os
    from dataclasses import asdict

    from veriscope.cli.cost import show_cost
    from veriscope.cli.output import emit_json, number, progress_bar, say, show_table
    from veriscope.core.cost import Assumptions
    from veriscope.io.usage import UsageMeter
    from veriscope.predict.plan import parse_memory
    from veriscope.workflow.cost import run_cost

    assumptions = Assumptions.from_environment(os.environ)
    opened = _open(study)
    allowed = parse_memory(memory) if memory else None
    elsewhere = on_cluster(scheduler, cluster, wait, shared=opened.path, workers=workers)
    with elsewhere as executor, progress_bar(quiet=quiet or json) as progress, UsageMeter() as meter:
        runs = opened.run(only=only, executor=executor, memory=allowed, workers=workers, progress=progress)
    spent = opened.cost(assumptions=assumptions)
    cost = {"this_run": run_cost(meter, assumptions), "study": spent}
    if json:
        rows = [asdict(item) for item in runs]
        emit_json({"schema": "veriscope/run/1", "evidence": "untested", "candidates": rows, "cost": cost})
    else:
        show_table(
            "Candidates (untested: nothing here says how right they are)",
            ["candidate", "images", "done now", "objects"],
            [[item.candidate, str(item.n_images), str(item.n_done), number(item.n_objects)] for item in runs],
        )
        for item in runs:
            if item.not_run:
                say(f"{item.candidate}: {item.not_run}", style="bold red" if item.failed else "")
            for note in item.notes:
                say(f"note: {item.candidate}: {note}")
        show_cost(cost)
    if any(item.failed for item in runs):
        raise typer.Exit(1)


def validate(study: StudyPath, json: Json = False) -> None:
    """Judge every candidate on the audited tiles, with intervals by image."""
    from veriscope.cli.output import emit_json

    found = _open(study).validate()
    if json:
        emit_json(found)
        return
    show_validation(found)


def show_validation(found: dict[str, Any]) -> None:
    """Print how the candidates did, and where one is out of its depth.

    Parameters
    ----------
    found
        ``veriscope/validate/1``.
    """
    from veriscope.cli.output import number, out, show_table, span

    keys = ("f1@0.5", "f1@0.7", "pq", "count_bias")
    rows = []
    for name in found["ranking"]["values"]:
        metrics = found["candidates"][name]["metrics"]
        cells = [
            f"{number(item['value'], digits=2)} ({span(item['low'], item['high'], digits=2)})"
            for item in (metrics[key] for key in keys)
        ]
        rows.append([name, *cells])
    title = f"{counted(found['n_tiles'], 'audited tile')} of {counted(found['n_images'], 'image')} "
    title += "(95 % intervals by image)"
    show_table(title, ["candidate", *keys], rows)
    for name in found["ranking"]["values"]:
        for sentence in found["candidates"][name]["outside_domain"]:
            out().print(f"{name}: {sentence}", markup=False)
    for group in found["ranking"]["groups"]:
        if len(group) > 1:
            out().print(f"cannot separate: {', '.join(group)}", markup=False)


def estimate(study: StudyPath, method: Method = None, json: Json = False) -> None:
    """Answer the question with an interval that counts the model's errors."""
    from veriscope.cli.output import emit_json

    found = _open(study).estimate(method=method)
    if json:
        emit_json(found)
    else:
        show_estimate(found)


def show_estimate(found: dict[str, Any], truth: dict[str, float] | None = None) -> None:
    """Print an estimate as a table.

    Parameters
    ----------
    found
        ``veriscope/estimate/1``.
    truth
        Known answer by group, for one more column.
    """
    from veriscope.cli.output import number, out, show_table, span

    question = found["question"]
    unit = f" {question['unit']}" if question["unit"] else ""
    columns = [
        "group",
        f"answer{unit}",
        f"{100 * question['level']:g}% interval",
        "model's word",
        "tiles alone",
    ]
    rows = []
    for group in found["groups"]:
        alone = group["labelled_only"]
        value = "cannot tell" if group["status"] == "cannot-tell" else number(group["estimate"])
        row = [
            group["group"],
            value,
            span(group["low"], group["high"]),
            number(group["naive"]),
            span(alone["low"], alone["high"]),
        ]
        rows.append(row if truth is None else [*row, number(truth.get(group["group"]))])
    title = f"{question['text']}  (audited, corrected: {found['method']})"
    show_table(title, columns if truth is None else [*columns, "truth"], rows)
    for group in found["groups"]:
        if group["reason"]:
            out().print(f"{group['group']}: {group['reason']}", markup=False)
        elif group["extra_tiles_needed"]:
            text = f"about {group['extra_tiles_needed']} more tiles would probably reach the tolerance"
            out().print(f"{group['group']}: {text}", markup=False)
    per = f", {found['contrast_unit']}" if found["contrast_unit"] else ""
    for item in found["contrasts"]:
        sign = "−" if item["kind"] == "difference" else "÷"
        p = item["p_adjusted"]
        out().print(
            f"{item['group_b']} {sign} {item['group_a']}{per}: {number(item['estimate'])} "
            f"({span(item['low'], item['high'])})"
            + (f", p = {p:.2g} (Holm)" if p is not None else f"; {item['reason']}"),
            markup=False,
        )


def verdict(study: StudyPath, method: Method = None, json: Json = False) -> None:
    """Say what may be done with the numbers, and why."""
    from veriscope.cli.output import emit_json

    found = _open(study).verdict(method=method)
    if json:
        emit_json(found)
    else:
        show_verdict(found)


def show_verdict(found: dict[str, Any]) -> None:
    """Print a verdict with its reasons.

    Parameters
    ----------
    found
        ``veriscope/verdict/1``.
    """
    from veriscope.cli.output import out

    out().print(
        f"{found['method']}: {found['verdict'].upper()} — {found['text']}", markup=False, style="bold"
    )
    signs = {"holds": "✓", "fails": "✗", "cannot-tell": "?"}
    for reason in found["reasons"]:
        out().print(f"  {signs[reason['status']]} {reason['text']}", markup=False)


def report(study: StudyPath, method: Method = None, json: Json = False) -> None:
    """Write the report: report/index.html, one self-contained file."""
    from veriscope.cli.output import emit_json, out

    page = _open(study).report(method=method)
    if json:
        record = str(page.with_name("report.json"))
        emit_json({"schema": "veriscope/report-path/1", "report": str(page), "record": record})
    else:
        out().print(str(page), markup=False)


def demo(
    data: Annotated[
        Path | None, typer.Option(help="Folder with images/ and labels/; otherwise data are simulated.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the study.")] = None,
    object: Annotated[str | None, typer.Option(help="What the labels outline.")] = None,
    measure: Annotated[str, typer.Option(help="Measure, as for new.")] = "count",
    tolerance: Annotated[str, typer.Option(help="Error that would change the conclusion.")] = "5%",
    channel: Channel = None,
    groups: Annotated[Path | None, typer.Option(help="Sample sheet: image, group, replicate.")] = None,
    tiles: Annotated[int, typer.Option(help="Audit tiles in all.")] = 45,
    seed: Annotated[int, typer.Option(help="Seed of simulation and audit.")] = 1,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Walk the whole path on simulated data, or on a folder with references of every image."""
    from veriscope.cli.output import emit_json, out, progress_bar, say
    from veriscope.workflow.demo import demo_folder, demo_simulated

    if data is None and (object or channel or groups or measure != "count"):
        raise VeriscopeError("--object, --measure, --channel and --groups belong to --data; give a folder")
    if not json:
        what = "a simulated study of three groups" if data is None else str(data)
        say(f"Demo on {what}: read, run every candidate, audit, validate, estimate, judge, report.")
    with progress_bar(quiet=quiet or json) as progress:
        if data is None:
            found = demo_simulated(output or Path("demo-study"), tiles=tiles, seed=seed, progress=progress)
        else:
            found = demo_folder(
                data,
                output or Path(f"demo-{data.resolve().name}"),
                object=object,
                measure=measure,
                tolerance=tolerance,
                channel=channel,
                groups=groups,
                tiles=tiles,
                seed=seed,
                progress=progress,
            )
    if json:
        emit_json(found)
        return
    show_validation(found["validation"])
    for choice in found["choices"]:
        out().print(f"chosen: {choice}", markup=False)
    for name, reason in found["not_run"].items():
        out().print(f"{name} did not run: {reason}", markup=False)
    show_estimate(found["estimate"], found["truth"])
    show_verdict(found["verdict"])
    out().print(f"report: {found['report']}", markup=False)
