"""The verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from veriscope import __version__
from veriscope.cli import (
    audit_verbs,
    convert_verb,
    file_verbs,
    judge_verbs,
    model_verbs,
    serve_verb,
    study_verbs,
    train_verb,
)

__all__ = ["app"]

app = typer.Typer(
    name="veriscope",
    help="From microscope images to a measurement you can defend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"veriscope {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From microscope images to a measurement you can defend."""


for verbs in (
    study_verbs,
    audit_verbs,
    judge_verbs,
    file_verbs,
    convert_verb,
    model_verbs,
    serve_verb,
    train_verb,
):
    verbs.register(app)
