"""Write docs/reference/cli.md from the command line's own definitions; `--check` only compares.

The page is made from the same objects that print `--help`, so that it cannot drift.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"
HEAD = """\
<!-- Made by scripts/docs_cli.py; run it again instead of editing this page. -->
# Command line

Human text goes to the terminal; with `--json`, exactly one JSON object goes to standard output and
everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.
"""


def main() -> int:
    """Write or compare the page; give back the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/reference/cli.md.")
    parser.add_argument("--check", action="store_true", help="fail if the page is not up to date")
    options = parser.parse_args()
    page = render_page(load_app())
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if page == old:
        return 0
    if options.check:
        print(f"{PAGE.name} is not up to date: run `python scripts/docs_cli.py`", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


def load_app() -> Any:
    """Give the command line."""
    return importlib.import_module("veriscope.cli.app").app


@dataclass(frozen=True)
class Parameter:
    """An argument or option of a command as a person types it."""

    name: str
    word: str
    help: str
    is_option: bool


@dataclass(frozen=True)
class Verb:
    """A command with its path, such as `veriscope audit`, its help and its parameters."""

    path: str
    help: str
    parameters: tuple[Parameter, ...]


def verbs_of(app: Any, path: str = "veriscope") -> list[Verb]:
    """List the commands of an app and of the apps below it, hidden ones left out."""
    verbs = []
    for command in app.registered_commands:
        name = command.name or command.callback.__name__.lower().replace("_", "-")
        if not command.hidden:
            help_text = text_of(command.help or command.callback.__doc__)
            verbs.append(Verb(f"{path} {name}", help_text, parameters_of(command.callback)))
    for group in app.registered_groups:
        if not group.hidden:
            verbs += verbs_of(group.typer_instance, f"{path} {group.name}")
    return verbs


def parameters_of(callback: Any) -> tuple[Parameter, ...]:
    """Read the parameters of a command off its signature, hidden ones left out.

    From the signature, not from the objects that typer builds of it: those change between versions.
    """
    found = []
    for parameter in inspect.signature(callback, eval_str=True).parameters.values():
        kind, *extra = get_args(parameter.annotation) or (parameter.annotation,)
        if get_origin(parameter.annotation) is not Annotated:
            kind, extra = parameter.annotation, [parameter.default]
        infos = [info for info in extra if isinstance(info, ArgumentInfo | OptionInfo)]
        if infos and not infos[0].hidden:
            found.append(describe(parameter, kind, infos[0]))
    return tuple(found)


def describe(parameter: inspect.Parameter, kind: Any, info: ArgumentInfo | OptionInfo) -> Parameter:
    """Put one parameter into words."""
    default = getattr(parameter.default, "default", parameter.default)
    required = default in (inspect.Parameter.empty, ...)
    text = " ".join(text_of(info.help).split())
    is_option = isinstance(info, OptionInfo)
    if isinstance(default, str | int | float) and not isinstance(default, bool) and default != "":
        text += f" Default: `{getattr(default, 'value', default)}`."
    if is_option:
        flag = f"--{parameter.name.replace('_', '-')}"
        # inside Annotated, typer's first positional argument is a name, though it calls it `default`
        first = [info.default] if isinstance(info.default, str) and info is not parameter.default else []
        names = [*first, *(info.param_decls or ())] or (
            [flag, f"--no-{flag[2:]}"] if kind is bool else [flag]
        )
        value = "" if kind is bool else f" {info.metavar or kind_word(kind)}"
        word = ", ".join(name.replace("/", ", ") for name in names) + value
        text += " Required." if required else ""
        text += " May be repeated." if is_list(kind) else ""
    else:
        word = (info.metavar or parameter.name).upper().replace("_", "-")
        word = (word if required else f"[{word}]") + ("..." if is_list(kind) else "")
    return Parameter(parameter.name, word, text.strip(), is_option)


def is_list(kind: Any) -> bool:
    """Whether a parameter takes several values."""
    return any(get_origin(each) in (list, tuple, Sequence) for each in (kind, *get_args(kind)))


def kind_word(kind: Any) -> str:
    """Give the kind of value that an option takes: `FLOAT`, `PATH`, `px|um`."""
    if get_origin(kind) is Literal:
        return "|".join(str(choice) for choice in get_args(kind))
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return "|".join(str(choice.value) for choice in kind)
    inner = [each for each in get_args(kind) if each is not type(None) and each is not ...]
    if inner:
        return kind_word(inner[0])
    name = str(kind.__name__)
    return {"str": "TEXT", "int": "INTEGER"}.get(name, name.upper())


def text_of(help_text: str | None) -> str:
    """Clean a help text: no indentation, nothing after a form feed."""
    return inspect.cleandoc((help_text or "").split("\f")[0])


def root_options(app: Any) -> list[Parameter]:
    """List the options that stand before the command, such as `--version`."""
    root = app.registered_callback
    return list(parameters_of(root.callback)) if root and root.callback else []


def render_page(app: Any, name: str = "veriscope") -> str:
    """Render the whole page as Markdown."""
    verbs = verbs_of(app, name)
    listing = []
    for verb in verbs:
        summary = verb.help.partition("\n")[0]
        listing.append(f"- [`{verb.path}`](#{verb.path.replace(' ', '-')}): {summary}")
    before = root_options(app)
    parts = [HEAD, *([table("option before the command", before) + "\n"] if before else [])]
    parts += ["\n".join(listing), *(render_verb(verb) for verb in verbs)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def render_verb(verb: Verb) -> str:
    """Render one command with its arguments and options."""
    arguments = [each for each in verb.parameters if not each.is_option]
    options = [each for each in verb.parameters if each.is_option]
    usage = " ".join([verb.path, *(["[OPTIONS]"] if options else []), *(each.word for each in arguments)])
    parts = [f"## {verb.path}", f"```\n{usage}\n```", verb.help]
    if arguments:
        parts.append(table("argument", arguments))
    if options:
        parts.append(table("option", options))
    return "\n\n".join(parts)


def table(kind: str, rows: list[Parameter]) -> str:
    """Render parameters as a Markdown table."""
    lines = [f"| {kind} | |", "| --- | --- |"]
    for row in rows:
        word, text = (each.replace("|", "\\|") for each in (row.word, row.help))
        lines.append(f"| `{word}` | {text} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
