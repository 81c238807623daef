"""Verbs on models: packages and other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from veriscope.cli.arguments import Json, Quiet, Spacing, parse_parameters, parse_spacing

__all__ = ["register"]

_STATES = {
    "format_valid": "format valid",
    "output_reproduced": "output reproduced",
    "works_on_your_data": "works on your data",
}


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    models = typer.Typer(add_completion=False, rich_markup_mode=None)
    models.callback(invoke_without_command=True)(list_models)
    models.command("show")(show)
    models.command("add")(add)
    models.command("remove")(remove)
    models.command("export")(export)
    models.command("install")(install)
    models.command("train")(train)
    models.command("uninstall")(uninstall)
    app.add_typer(models, name="models", help="List models; show, add or remove one; install other tools.")


def list_models(
    context: typer.Context,
    task: Annotated[str | None, typer.Option(help="Only of this task, such as instance.")] = None,
    modality: Annotated[
        str | None, typer.Option(help="Only for this microscopy, such as fluorescence.")
    ] = None,
    structure: Annotated[str | None, typer.Option(help="Only for this object, such as nucleus.")] = None,
    licence: Annotated[str | None, typer.Option(help="Only with this licence, such as CC-BY-4.0.")] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="Only made for half to twice this pixel size, in µm.")
    ] = None,
    refresh: Annotated[bool, typer.Option(help="Fetch the index of the public zoo first.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List models: installed methods, packages added, and the zoo's index if it was fetched."""
    if context.invoked_subcommand is not None:
        return
    from textwrap import shorten

    from veriscope.cli.output import emit_json, out, progress_bar, say, show_table
    from veriscope.workflow.model_list import list_all_models

    with progress_bar(quiet=quiet or json) as progress:
        found = list_all_models(
            task=task,
            modality=modality,
            structure=structure,
            licence=licence,
            pixel_size=pixel_size,
            refresh=refresh,
            progress=progress,
        )
    if json:
        emit_json(found)
        return
    rows = [
        [
            item["name"],
            item["where"],
            item["reproduced"],
            item["licence"],
            shorten(item["summary"], 70, placeholder=" …"),
        ]
        for item in found["models"]
    ]
    columns = ["model", "where", "output reproduced", "licence", "what it is"]
    show_table(f"{len(rows)} models (veriscope models show NAME)", columns, rows, words=True)
    if found["without_pixel_size"]:
        out().print(f"{found['without_pixel_size']} more state no pixel size", markup=False)
    if not rows:
        out().print(f"Words that models have: {', '.join(found['words'])}", markup=False)
    for fault in found["faults"]:
        say(fault, style="bold red")
    for tool in found["tools"]:
        use = f"{tool['tool']}:MODEL" if tool["methods"] else "runs packages with such weights"
        there = f"{tool['title']} {tool['version']}: {use}"
        how = there if tool["installed"] else f"{tool['title']}: veriscope models install {tool['tool']}"
        out().print(how, markup=False)
    if not found["index"]:
        out().print("The zoo's index was not fetched yet: veriscope models --refresh", markup=False)


def show(
    name: Annotated[
        str, typer.Argument(help="A method, zoo:NAME, segmenter:NAME, a path of a package, or a nickname.")
    ],
    json: Json = False,
) -> None:
    """Show the card of a model: what it would run, what is known of it."""
    from veriscope.cli.output import emit_json, out
    from veriscope.workflow.models import describe_model

    found = describe_model(name)
    if json:
        emit_json(found)
        return
    out().print(f"{found['name']} {found['version']}", style="bold", markup=False)
    for key, value in found["card"].items():
        text = "; ".join(map(str, value)) if isinstance(value, list) else value
        if text not in ("", None):
            out().print(f"  {key}: {text}", markup=False)
    for line in _facts(found):
        out().print(f"  {line}", markup=False)


def add(
    source: Annotated[str, typer.Argument(help="Folder, .zip or .yaml file, web address, or nickname.")],
    name: Annotated[str | None, typer.Option(help="Name to give it; otherwise its own.")] = None,
    licence: Annotated[
        str | None, typer.Option(help="Of a model for click-to-segment that does not state it.")
    ] = None,
    trust: Annotated[
        list[str] | None,
        typer.Option(help="SHA-256 of Python code of the package that may run; may be repeated."),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Keep it also if its test tensors do not come out.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read a model package, verify its hashes, test it, and keep it as a method.

    A folder with an encoder and a decoder of Segment Anything as ONNX files is kept for click-to-segment in
    the app.
    """
    from veriscope.cli.output import emit_json, out, progress_bar
    from veriscope.workflow.models import add_to_models

    with progress_bar(quiet=quiet or json) as progress:
        found = add_to_models(
            source, name=name, licence=licence, trust=trust or (), anyway=anyway, progress=progress
        )
    if json:
        emit_json(found)
        return
    out().print(f"{found['name']} was added", style="bold", markup=False)
    for line in _facts(found):
        out().print(f"  {line}", markup=False)
    use = "veriscope serve STUDY, then the tool Model on a tile of the audit"
    if "method" in found:
        use = f"veriscope predict {found['method']} IMAGES -o FOLDER"
    out().print(f"Use it: {use}", markup=False)


def remove(
    name: Annotated[str, typer.Argument(help="Name of a package that was added.")],
    json: Json = False,
) -> None:
    """Remove a package that was added."""
    from veriscope.cli.output import emit_json, out
    from veriscope.workflow.models import remove_from_models

    remove_from_models(name)
    if json:
        emit_json({"schema": "veriscope/model-remove/1", "removed": name})
    else:
        out().print(f"{name} was removed", markup=False)


def export(
    name: Annotated[str, typer.Argument(help="A network: of Veriscope, trained (its path), or zoo:NAME.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .zip file to write.")],
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(help="JSON file of veriscope compare --json that goes along; may be repeated."),
    ] = None,
    spacing: Spacing = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a network as one BioImage.IO 0.5 package, read it back and test it."""
    from veriscope.cli.output import emit_json, out, progress_bar
    from veriscope.workflow.models import export_model

    with progress_bar(quiet=quiet or json) as progress:
        found = export_model(
            name,
            output,
            evaluations=evaluation or (),
            spacing=parse_spacing(spacing),
            progress=progress,
        )
    if json:
        emit_json(found)
        return
    out().print(f"{found['package']} was written ({found['bytes'] / 1e6:.1f} MB)", style="bold", markup=False)
    for line in _facts(found):
        out().print(f"  {line}", markup=False)
    for item in found["left_out"]:
        out().print(f"  left out, because it is not here: {item}", markup=False)


def install(
    tool: Annotated[str, typer.Argument(help="A tool of others, such as cellpose or stardist.")],
    download: Annotated[
        list[str] | None,
        typer.Option(help="Model of the tool's authors whose weights to fetch; may be repeated."),
    ] = None,
    program: Annotated[
        str | None, typer.Option(help="Path of the program, for ilastik and Fiji; otherwise looked for.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make an environment of its own for another tool, test it, and offer its models as methods."""
    from veriscope.cli.output import emit_json, out, progress_bar
    from veriscope.methods.external.find import RUNTIMES
    from veriscope.zoo.environments import install_tool

    with progress_bar(quiet=quiet or json) as progress:
        found = install_tool(tool, download=download or (), program=program, progress=progress)
    if json:
        emit_json(found)
        return
    now = "is ready" if found["made"] else "was there already"
    out().print(f"{found['tool']} {found['version']} {now} in {found['folder']}", style="bold", markup=False)
    if text := found["test"].get("text"):
        out().print(f"  tested: {text}", markup=False)
    if found["weights"]:
        out().print(f"  weights: {', '.join(found['weights'])}", markup=False)
    use = f"predict {tool}:MODEL IMAGES -o FOLDER (MODEL: a name or a path)"
    if tool in RUNTIMES:
        use = "models add PACKAGE (one with such weights)"
    out().print(f"Use it: veriscope {use}", markup=False)


def train(
    tool: Annotated[str, typer.Argument(help="A tool that can be trained: cellpose or stardist.")],
    images: Annotated[str, typer.Argument(help="Images: a folder, files or a pattern.")],
    labels: Annotated[str, typer.Argument(help="Their label images, of the same names.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the model goes.")],
    channel: Annotated[
        str | None, typer.Option(help="Channel to learn from: a name or a number from 0.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="Option of the training, as epochs=50; may be repeated."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train another tool with its own training; with veriscope train, networks of Veriscope are trained."""
    from veriscope.cli.output import emit_json, out, progress_bar
    from veriscope.workflow.tool_training import train_tool

    with progress_bar(quiet=quiet or json) as progress:
        found = train_tool(
            tool,
            images,
            labels,
            output,
            channel=channel,
            settings=parse_parameters(parameter),
            progress=progress,
        )
    if json:
        emit_json(found)
        return
    out().print(f"{tool} {found['version']} was trained: {output}", style="bold", markup=False)
    out().print(
        f"  on {len(found['files'])} images; {len(found['held_out'])} others chose weights and thresholds, "
        "so they say nothing of how good it is: an audit of your images does",
        markup=False,
    )
    out().print(f"Use it: veriscope predict {tool}:{output.absolute()} IMAGES -o FOLDER", markup=False)


def uninstall(
    tool: Annotated[str, typer.Argument(help="A tool that was installed.")],
    json: Json = False,
) -> None:
    """Remove the environment of a tool, with weights that were fetched for it."""
    from veriscope.cli.output import emit_json, out
    from veriscope.zoo.environments import uninstall_tool

    uninstall_tool(tool)
    if json:
        emit_json({"schema": "veriscope/tool-remove/1", "removed": tool})
    else:
        out().print(f"{tool} was removed", markup=False)


def _facts(found: dict[str, Any]) -> list[str]:
    """States, code and files of a package as lines."""
    lines = []
    for key, title in _STATES.items():
        if state := found.get("states", {}).get(key):
            text = f" ({state['text']})" if state.get("text") else ""
            lines.append(f"{title}: {state['status']}{text}")
    lines += found.get("would_run", [])
    lines += [
        f"Python code: {code['file']} ({code['callable']}), SHA-256 {code['sha256']}"
        for code in found.get("code", [])
    ]
    return lines + [f"file: {path} {sha256}" for path, sha256 in found.get("files", {}).items()]
