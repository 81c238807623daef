"""The verb that draws an audit and takes in its annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from veriscope.cli.arguments import Json, StudyPath
from veriscope.core.commands import command
from veriscope.core.words import counted

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    app.command()(audit)


def audit(
    study: StudyPath,
    tiles: Annotated[
        int | None, typer.Option(help="Audit tiles to have drawn in all; what was drawn stays.")
    ] = None,
    more: Annotated[int, typer.Option(help="Audit tiles to draw beyond those there are.")] = 0,
    training: Annotated[
        int | None, typer.Option(help="Training tiles to have drawn in all, for candidates that learn.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Put out all other tiles, too, to annotate the whole study.")
    ] = False,
    take_in: Annotated[
        Path | None,
        typer.Option("--import", help="Folder with annotations, named like the tiles or the images."),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Folder with references of whole images; only those of drawn tiles are used."),
    ] = None,
    annotator: Annotated[str, typer.Option(help="Who drew the annotations.")] = "annotator",
    json: Json = False,
) -> None:
    """Draw tiles with known probability, or take in what was drawn on them."""
    from veriscope.cli.output import emit_json
    from veriscope.errors import InputError
    from veriscope.workflow.study import Study

    if take_in is not None and reference is not None:
        raise InputError("--import and --reference: give one of them")
    opened = Study(study)
    state: dict[str, Any] | None = None
    asked = tiles is not None or more or training is not None or everything
    if asked or (take_in is None and reference is None):
        state = opened.audit(tiles=tiles, more=more, training=training, everything=everything)
    if take_in is not None:
        state = opened.import_references(take_in, annotator=annotator)
    if reference is not None:
        who = annotator if annotator != "annotator" else "reference"
        state = opened.import_references(reference, annotator=who, whole_images=True)
    assert state is not None, "one of the branches above has run"
    if json:
        emit_json(state)
        return
    _show(study, state)


def _show(study: Path, state: dict[str, Any]) -> None:
    from veriscope.cli.output import out

    if "n_imported" in state:
        out().print(
            f"{counted(state['n_imported'], 'tile')} taken in, {state['n_new']} of them new", markup=False
        )
    for note in state.get("notes", []):
        out().print(f"note: {note}", markup=False)
    waiting = 0
    for role in ("audit", "training", "census"):
        part = state[role]
        if not part["n_drawn"]:
            continue
        by_group = ", ".join(f"{group} {n}" for group, n in part["by_group"].items())
        out().print(
            f"{role}: {part['n_drawn']} draws ({by_group}) of {part['n_distinct']} different tiles, "
            f"{part['n_annotated']} annotated",
            markup=False,
        )
        waiting += len(part["to_annotate"])
    if waiting:
        out().print(
            f"{counted(waiting, 'tile')} to annotate (see README.txt) in {state['tiles_folder']}",
            markup=False,
        )
        out().print("then: " + command("audit", study, "--import", "FOLDER"), markup=False)
    elif not state["audit"]["n_drawn"]:
        out().print("nothing drawn yet; draw with: " + command("audit", study, "--tiles", "20"), markup=False)
    else:
        then = f"{command('validate', study)}; {command('estimate', study)}"
        out().print(f"next: {then}", markup=False)
