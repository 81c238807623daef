"""Verbs that work on files and folders, without a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veriscope.cli.arguments import (
    Axes,
    Channel,
    Json,
    Quiet,
    SeriesOrEach,
    SkipBad,
    Spacing,
    parse_parameters,
    parse_series,
    parse_spacing,
)
from veriscope.cli.cluster import ClusterFile, Scheduler, Wait, on_cluster
from veriscope.core.words import counted, few
from veriscope.errors import InputError

if TYPE_CHECKING:
    from veriscope.methods.base import Method
    from veriscope.predict.reading import Reading

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    for verb in (predict, measure, simulate, info, methods):
        app.command()(verb)


def predict(
    method: Annotated[str, typer.Argument(help="Name of a method; veriscope methods lists them.")],
    images: Annotated[list[str], typer.Argument(help="Folder, files or pattern of images.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder for the label images; or NAME.ome.zarr for one image."),
    ],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="NAME=VALUE of the method; may be repeated.")
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(help="Typical object diameter in pixels; otherwise estimated.")
    ] = None,
    train: Annotated[
        Path | None, typer.Option(help="Folder with images/ and labels/ for methods that learn.")
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities",
            help="Write also how probable it is that each pixel is foreground: NAME.probabilities.ome.zarr; "
            "in a folder probabilities/NAME.ome.zarr.",
        ),
    ] = False,
    channel: Channel = None,
    axes: Axes = None,
    spacing: Spacing = None,
    series: SeriesOrEach = None,
    memory: Annotated[
        str | None,
        typer.Option(help="Most memory to use, as 2GB; larger images are predicted part by part."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1, help="Most processes that work at a time; fewer where --memory makes that faster."
        ),
    ] = 1,
    tile: Annotated[
        int | None, typer.Option(min=16, help="Length of the parts in pixels; otherwise chosen by memory.")
    ] = None,
    scheduler: Scheduler = None,
    cluster: ClusterFile = None,
    wait: Wait = None,
    skip_bad: SkipBad = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a label image of every image; one of any size with -o NAME.ome.zarr.

    Models that restore images write images instead, always as OME-Zarr; networks that tell classes of images
    write a table, classes.csv.
    """
    from veriscope.cli.classification import classify, show_classes
    from veriscope.cli.objects import find_objects, show_objects
    from veriscope.cli.output import emit_json, progress_bar, say, tell_notes
    from veriscope.cli.restoration import restore, show_restored
    from veriscope.predict.plan import parse_memory
    from veriscope.predict.reading import Reading
    from veriscope.predict.ready import method_for_files

    options = parse_parameters(parameter)
    if diameter is not None:
        options["diameter"] = diameter
    reading = Reading(
        channel=channel,
        axes=axes,
        spacing=parse_spacing(spacing),
        series=parse_series(series),
        skip_bad=skip_bad,
    )
    ready = method_for_files(method, options, train=train, channel=channel)
    zarr = output.suffix == ".zarr"
    elsewhere = on_cluster(
        scheduler, cluster, wait, shared=output.parent if zarr else output, inputs=images, workers=workers
    )
    if zarr:
        reading = _of_one_image(images, output, reading)
    do, show = {
        "instance": (find_objects, show_objects),
        "restoration": (restore, show_restored),
        "classification": (classify, show_classes),
    }[ready.task]
    with elsewhere as executor, progress_bar(quiet=quiet or json) as progress:
        found = do(
            ready,
            images,
            output,
            probabilities=probabilities,
            reading=reading,
            tile=tile,
            memory=parse_memory(memory) if memory else None,
            workers=workers,
            executor=executor,
            progress=progress,
        )
    found["cautions"] = _cautions(ready, images, reading)
    if json:
        emit_json(found)
    else:
        _tell_left_out(found)
        tell_notes(found.get("images", [found]))
        for caution in found["cautions"]:
            say(f"caution: {caution}", style="bold red")
        show(found)
    raise typer.Exit(1 if found.get("failed") else 0)


def _cautions(method: Method, images: list[str], reading: Reading) -> list[str]:
    """Say what speaks against a method for these images."""
    from veriscope.io.file_images import with_series
    from veriscope.io.folders import find_images
    from veriscope.workflow.modality import unlike_card

    found = with_series(find_images(images), reading.series)
    return unlike_card(method, found, reading.channel, axes=reading.axes, spacing=reading.spacing)


def _of_one_image(images: list[str], output: Path, reading: Reading) -> Reading:
    """Refuse several images where the output is that of one; say how the one is read."""
    from veriscope.io.file_images import with_series
    from veriscope.io.folders import find_images
    from veriscope.io.ome_zarr_reader import is_zarr

    folder = f"give a folder for the results of several, such as -o {output.name.split('.')[0]}"
    if len(images) != 1:
        raise InputError(f"{output}: holds the result of one image and {len(images)} are given; {folder}")
    if Path(images[0]).is_dir() and not is_zarr(Path(images[0])):
        raise InputError(f"{output}: holds the result of one image and {images[0]} is a folder; {folder}")
    if reading.series != "each":
        return reading
    found = with_series(find_images(images), "each")
    if len(found) > 1:
        raise InputError(
            f"{output}: holds the result of one image and {images[0]} has {len(found)}; {folder}, or take "
            "one with --series 0"
        )
    return reading.of(found[0])


def _tell_left_out(found: dict[str, Any]) -> None:
    """Say which images have no result, and which files are no images."""
    from veriscope.cli.output import say

    for fault in found.get("skipped", ()):
        say(f"skipped: {fault}")
    for row in found.get("failed", ()):
        say(f"failed: {row['image']}: {row['failed']}", style="bold red")
    if found.get("ignored_files"):
        say(f"ignored, no images: {', '.join(Path(path).name for path in found['ignored_files'])}")


def measure(
    labels: Annotated[list[str], typer.Argument(help="Folder, files or pattern of label images.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write, .parquet or .csv.")],
    image: Annotated[
        str | None, typer.Option(help="Folder or pattern of the images, for intensities and pixel size.")
    ] = None,
    axes: Axes = None,
    spacing: Spacing = None,
    series: SeriesOrEach = None,
    property: Annotated[list[str] | None, typer.Option(help="Column wanted; may be repeated.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure every object of label images and write one table."""
    from veriscope.cli.output import emit_json, out, progress_bar
    from veriscope.workflow.measure_files import measure_folder

    with progress_bar(quiet=quiet or json) as progress:
        found = measure_folder(
            labels,
            output,
            images=image,
            axes=axes,
            spacing=parse_spacing(spacing),
            series=parse_series(series),
            properties=property,
            progress=progress,
        )
    if json:
        emit_json(found)
        return
    unit = "µm" if found["calibrated"] else "pixels (uncalibrated; give --spacing)"
    objects, images = counted(found["n_objects"], "object"), counted(found["n_images"], "image")
    out().print(f"{objects} of {images} in {output}", markup=False)
    out().print(f"{len(found['columns'])} columns; lengths in {unit}", markup=False)
    for note in found["notes"]:
        out().print(f"note: {note}", markup=False)


def simulate(
    output: Annotated[Path, typer.Argument(help="Folder to make: images/, labels/, sheet.csv, truth.json.")],
    settings: Annotated[
        Path | None, typer.Option(help="YAML file with settings; the demo's otherwise.")
    ] = None,
    replicates: Annotated[int | None, typer.Option(help="Replicates per group.")] = None,
    images: Annotated[int | None, typer.Option(help="Images per replicate.")] = None,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same bytes.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate microscope images of known truth: groups, replicates, optics and camera."""
    from veriscope.cli.output import emit_json, out, progress_bar
    from veriscope.workflow.simulation import simulate_folder

    with progress_bar(quiet=quiet or json) as progress:
        truth = simulate_folder(
            output, settings=settings, replicates=replicates, images=images, seed=seed, progress=progress
        )
    if json:
        emit_json({"schema": "veriscope/simulate/1", "output": str(output), "truth": truth})
        return
    out().print(
        f"{output}: {counted(truth['n_images'], 'image')} in images/, references in labels/", markup=False
    )


def info(
    images: Annotated[list[str], typer.Argument(help="Folder, files or pattern of images.")],
    axes: Axes = None,
    spacing: Spacing = None,
    series: SeriesOrEach = None,
    json: Json = False,
) -> None:
    """Say what is known of image files: axes, size, type, pixel size, channels."""
    from veriscope.cli.output import emit_json, say, show_table
    from veriscope.workflow.describe import describe_images

    found = describe_images(images, axes=axes, spacing=parse_spacing(spacing), series=parse_series(series))
    if json:
        emit_json(found)
    else:
        rows = [
            [
                item["image"] if item["series"] is None else f"{item['image']} [{item['series']}]",
                item["format"],
                item["axes"],
                " × ".join(map(str, item["shape"])),
                item["dtype"],
                item["spacing"],
                few(item["channels"], 4),
            ]
            for item in found["images"]
        ]
        columns = ["image", "format", "axes", "shape", "type", "pixel size", "channels"]
        show_table(counted(len(rows), "image"), columns, rows)
        for item in found["images"]:
            for note in item["notes"]:
                say(f"{item['image']}: {note}")
        for fault in found["faults"]:
            say(fault, style="bold red")
    if found["faults"]:
        raise typer.Exit(1)


def methods(
    name: Annotated[str | None, typer.Argument(help="Method to show; all otherwise.")] = None,
    json: Json = False,
) -> None:
    """List the methods, or show the card of one: what it is for, its figures and its limits."""
    from veriscope.cli.output import emit_json, out, show_table
    from veriscope.registry import get_method, method_names

    names = [name] if name else list(method_names())
    classes = [get_method(item) for item in names]
    if json:
        cards = [
            {"name": cls.name, "version": cls.version, "task": cls.task, **cls.card.model_dump(mode="json")}
            | {"parameters": cls.Parameters.model_json_schema().get("properties", {})}
            for cls in classes
        ]
        emit_json({"schema": "veriscope/methods/1", "methods": cards})
        return
    if name is None:
        rows = [[cls.name, cls.card.summary] for cls in classes]
        show_table("Methods (veriscope methods NAME shows the card)", ["method", "what it does"], rows)
        return
    (cls,) = classes
    out().print(f"{cls.name} {cls.version}", style="bold", markup=False)
    for key, value in cls.card.model_dump().items():
        text = "; ".join(map(str, value)) if isinstance(value, tuple) else value
        if text not in ("", None):
            out().print(f"  {key}: {text}", markup=False)
    for field, item in cls.Parameters.model_fields.items():
        out().print(f"  parameter {field} = {item.default!r}: {item.description or ''}", markup=False)
