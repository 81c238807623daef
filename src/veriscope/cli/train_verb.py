"""The verb that trains networks: on files, on a study, with labels and without."""

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
    Spacing,
    parse_series,
    parse_spacing,
)
from veriscope.errors import InputError

if TYPE_CHECKING:
    from veriscope.training.settings import TrainSettings

__all__ = ["parse_minutes", "register"]

_CALLED = {"minutes": "--time", "start": "--from", "curve": "--learning-curve"}
"""Options whose settings have other names."""
_MOST_MINUTES = 10_000
_UNITS = {"s": 1 / 60, "sec": 1 / 60, "m": 1.0, "min": 1.0, "h": 60.0}


def register(app: typer.Typer) -> None:
    """Add the verb to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    app.command()(train)


def train(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES LABELS | STUDY | IMAGES",
            help="Folders or patterns of images and of their labels (boxes, classification: a CSV table); or "
            "a study; or images alone, with --self-supervised.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the package to be made; of a study: networks/NAME."),
    ] = None,
    head: Annotated[
        Literal["flow", "star", "distance", "semantic", "boxes", "classification"] | None,
        typer.Option(
            help="What it says: flow, star, distance (objects), semantic (classes of pixels), boxes or "
            "classification (class of each image); else that of --from."
        ),
    ] = None,
    architecture: Annotated[
        Literal["unet", "vit"] | None,
        typer.Option(help="Kind of network: U-Net, or a small vision transformer; else that of --from."),
    ] = None,
    time: Annotated[str | None, typer.Option(help="Time to learn, such as 20min, 90s or 2h.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Number of steps instead of a time.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Network to start from: name, or folder of a package.")
    ] = None,
    tune: Annotated[
        Literal["all", "head", "lora"],
        typer.Option(
            help="Which weights of the start learn: all, the head alone, or low-rank additions to a vit."
        ),
    ] = "all",
    split: Annotated[
        Path | None, typer.Option(help="CSV with the columns stem and split (train, val, test).")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Sample sheet (CSV): image and columns that name groups.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            help="What belongs together: a pattern of names such as '{group}_*', or a column of --sheet or "
            "--split."
        ),
    ] = None,
    unlabelled: Annotated[
        list[str] | None, typer.Option(help="Images without labels to learn from too; may be repeated.")
    ] = None,
    self_supervised: Annotated[
        Literal["n2v", "masked"] | None,
        typer.Option(help="Learn without labels: n2v removes noise, masked gives a network to start from."),
    ] = None,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Tell what more annotated objects would bring.")
    ] = False,
    topology: Annotated[
        float, typer.Option(min=0, max=1, help="Weight of the loss of centre lines, of a semantic head.")
    ] = 0.0,
    object: Annotated[str, typer.Option(help="What is looked for: nucleus, cell, particle …")] = "object",
    channel: Channel = None,
    axes: Axes = None,
    spacing: Spacing = None,
    series: SeriesOrEach = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of split, first weights and crops.")] = 0,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Equal input gives equal bytes of weights; needs --steps.")
    ] = False,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="What computes.")] = "auto",
    batch: Annotated[int, typer.Option(min=1, max=256, help="Crops in a step.")] = 8,
    crop: Annotated[int, typer.Option(min=32, max=1024, help="Side of a crop in pixels.")] = 192,
    rate: Annotated[float | None, typer.Option(help="Highest learning rate; otherwise chosen.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads on the processor; 0: all.")] = 0,
    data_url: Annotated[str, typer.Option(help="Where the images are published, for the card.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the network, such as CC-BY-4.0.")] = "",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network, compare it with its start on locked images, and package it."""
    from veriscope.cli.output import emit_json, progress_bar, say
    from veriscope.training.needs import need_training
    from veriscope.training.settings import TrainSettings

    given = {
        "head": head,
        "architecture": architecture,
        "minutes": parse_minutes(time) if time else None,
        "steps": steps,
        "start": start,
        "tune": tune,
        "topology": topology,
        "curve": learning_curve,
        "seed": seed,
        "deterministic": deterministic,
        "device": device,
        "batch": batch,
        "crop": crop,
        "rate": rate,
        "threads": threads,
        "data_url": data_url,
        "licence": licence,
    }
    if time and steps:
        raise InputError("--time and --steps both say how long to learn; give one of them")
    settings = TrainSettings.parse(
        {key: value for key, value in given.items() if value is not None},
        where="veriscope train",
        called={key: _CALLED.get(key, f"--{key.replace('_', '-')}") for key in given},
    )
    of_files = {"--channel": channel, "--axes": axes, "--sheet": sheet, "--group-by": group_by}
    of_files["--series"] = series
    of_labels: dict[str, Any] = {"--split": split, "--unlabelled": unlabelled, "--spacing": spacing}
    is_study = len(sources) == 1 and (Path(sources[0]) / "study.yaml").exists()
    if is_study:
        _refuse(
            of_files | of_labels | {"--self-supervised": self_supervised}, "a study, which says that itself"
        )
    elif self_supervised is not None:
        needless = {"--head": head, "--from": start, "--learning-curve": learning_curve or None}
        _refuse(of_labels | needless, "--self-supervised, which has no labels")
    need_training()
    with progress_bar(quiet=quiet or json) as progress:
        common: dict[str, Any] = {"progress": progress, "say": None if json else say}
        if is_study:
            from veriscope.workflow.fine_tuning import train_study

            found = train_study(Path(sources[0]), output, settings, **common)
        else:
            common |= {"channel": channel, "axes": axes, "sheet": sheet, "group_by": group_by}
            common["series"] = parse_series(series)
            if self_supervised is not None:
                found = _without_labels(sources, output, settings, self_supervised, common)
            else:
                common |= {"split": split, "unlabelled": unlabelled, "objects": object}
                common |= {"spacing": parse_spacing(spacing)}
                found = _with_labels(sources, output, settings, common)
    if json:
        emit_json(found)
    else:
        _tell(found)


def _refuse(options: dict[str, Any], what: str) -> None:
    """Refuse options that would have no effect."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise InputError(f"{', '.join(given)} cannot be given with {what}; leave it out")


def _with_labels(
    sources: list[str], output: Path | None, settings: TrainSettings, options: dict[str, Any]
) -> dict[str, Any]:
    from veriscope.training.supervised import train_files

    if len(sources) != 2:
        given = "1 folder is" if len(sources) == 1 else f"{len(sources)} folders are"
        missing = [source for source in sources if not Path(source).exists() and not set("*?[") & set(source)]
        absent = f" ({', '.join(missing)}: no such folder; check the name)" if missing else ""
        raise InputError(
            f"{given} given{absent}; training takes images and labels (two folders or quoted patterns), one "
            "study, or images alone with --self-supervised n2v or masked"
        )
    return train_files(sources[0], sources[1], _needed(output), settings, **options)


def _without_labels(
    sources: list[str],
    output: Path | None,
    settings: TrainSettings,
    task: Literal["n2v", "masked"],
    options: dict[str, Any],
) -> dict[str, Any]:
    from veriscope.training.self_supervised import train_without_labels

    return train_without_labels(sources, _needed(output), settings, task=task, **options)


def _needed(output: Path | None) -> Path:
    if output is None:
        raise InputError("give the folder of the package to be made: -o NAME")
    return output


def parse_minutes(text: str) -> float:
    """Read a time.

    Parameters
    ----------
    text
        Such as ``20min``, ``90s``, ``2h`` or ``15`` (minutes).

    Returns
    -------
    float
        In minutes, above 0 and at most 10,000.

    Raises
    ------
    InputError
        If it cannot be understood.
    """
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text.strip()[len(number) :].strip() or "min"
    try:
        value = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        raise InputError(f"--time {text!r} cannot be read; write 20min, 90s or 2h") from None
    if not 0 < value <= _MOST_MINUTES:
        raise InputError(
            f"--time {text!r} is not above 0 and at most {_MOST_MINUTES} min; write 20min, 90s or 2h"
        )
    return value


def _tell(found: dict[str, Any]) -> None:
    """Print the outcome for people."""
    from veriscope.cli.output import number, out, show_table, span
    from veriscope.core.words import counted
    from veriscope.report.cost_text import format_amount, format_bytes

    ended = f", ended early: {found['stopped']}" if found["stopped"] else ""
    out().print(f"{found['steps']} steps in {found['minutes']:.1f} min{ended}", markup=False)
    if found["figures"]:
        test = found["split"]["test"]
        rows = [
            [key, number(value["value"], digits=3), span(value["low"], value["high"], digits=3)]
            for key, value in found["figures"].items()
        ]
        title = f"On {counted(test['images'], 'locked image')} of {counted(test['groups'], 'group')}"
        show_table(title, ["metric", "value", "95 % interval"], rows)
    envelope = found["envelope"]
    for change, item in envelope.get("changes", {}).items():
        if item["range"] is None:
            continue
        low, high = item["range"]
        out().print(
            f"{change} ({item['meaning']}): {envelope['metric']} falls by less than {envelope['drop']} from "
            f"{low:g} to {high:g} (on {counted(envelope['n_images'], 'locked image')}, without interval)",
            markup=False,
        )
    if found["learning_curve"]:
        out().print(found["learning_curve"]["sentence"], markup=False)
    cost = found["cost"]
    out().print(
        f"took {cost['wall_s']:.0f} s, {cost['cpu_s']:.0f} s of processor time, "
        f"{format_bytes(cost['peak_memory_bytes'])}, {format_amount(cost['carbon_g'], 'g CO2')}",
        markup=False,
    )
    if found["comparison"]:
        out().print(found["comparison"]["sentence"], style="bold", markup=False)
    out().print(f"package: {found['package']}", style="bold", markup=False)
    if found["use"]:
        out().print(f"Use it: {found['use']}", markup=False)
