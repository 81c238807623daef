"""The documentation: made pages are up to date, links lead somewhere, commands exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
import yaml
from repository import ROOT

import docs_cli
import veriscope.errors

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def small_app() -> typer.Typer:
    app = typer.Typer()

    @app.callback()
    def options(version: Annotated[bool, typer.Option("--version", help="Print it.")] = False) -> None:
        """Measure things."""

    @app.command()
    def measure(
        labels: Annotated[Path, typer.Argument(help="Folder of label images.")],
        images: Annotated[list[Path] | None, typer.Argument(help="Images | photographs.")] = None,
        level: Annotated[float, typer.Option(help="Level of the interval.")] = 0.95,
        unit: Annotated[Literal["px", "um"], typer.Option("--unit", "-u", help="Unit.")] = "px",
        json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
        secret: Annotated[str, typer.Option(hidden=True)] = "",
    ) -> None:
        """Measure objects.

        One row per object.
        """

    @app.command(hidden=True)
    def hidden() -> None:
        """Never shown."""

    @app.command()
    def info(name: Annotated[str, typer.Option(help="Which.")]) -> None:
        """Tell about a file."""

    return app


def test_commands_are_rendered_from_their_definition() -> None:
    page = docs_cli.render_page(small_app(), "tool")

    assert page == docs_cli.HEAD + (
        """
| option before the command | |
| --- | --- |
| `--version` | Print it. |

- [`tool measure`](#tool-measure): Measure objects.
- [`tool info`](#tool-info): Tell about a file.

## tool measure

```
tool measure [OPTIONS] LABELS [IMAGES]...
```

Measure objects.

One row per object.

| argument | |
| --- | --- |
| `LABELS` | Folder of label images. |
| `[IMAGES]...` | Images \\| photographs. |

| option | |
| --- | --- |
| `--level FLOAT` | Level of the interval. Default: `0.95`. |
| `--unit, -u px\\|um` | Unit. Default: `px`. |
| `--json` | Print one JSON object. |

## tool info

```
tool info [OPTIONS]
```

Tell about a file.

| option | |
| --- | --- |
| `--name TEXT` | Which. Required. |
"""
    )


def test_the_command_line_page_is_up_to_date() -> None:
    expected = docs_cli.render_page(docs_cli.load_app())
    assert docs_cli.PAGE.exists() and docs_cli.PAGE.read_text(encoding="utf-8") == expected, (
        "run `python scripts/docs_cli.py`"
    )


def test_every_parameter_has_help() -> None:
    verbs = docs_cli.verbs_of(docs_cli.load_app())
    assert not [verb.path for verb in verbs if not verb.help]
    assert not [f"{verb.path} {each.name}" for verb in verbs for each in verb.parameters if not each.help]


def verbs_used(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"```[^\n]*\n(.*?)```", text, re.DOTALL) + re.findall(r"`(veriscope [^`\n]+)`", text)
    pattern = re.compile(r"^(?:\$ )?veriscope ([a-z][a-z-]*)", re.MULTILINE)
    return {verb for part in code for verb in pattern.findall(part)}


WITH_COMMANDS = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_pages_exist(page: Path) -> None:
    known = {verb.path.split()[1] for verb in docs_cli.verbs_of(docs_cli.load_app())}
    assert not verbs_used(page) - known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_pages_have_one_title(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


def test_every_error_is_documented() -> None:
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    errors = [name for name in veriscope.errors.__all__ if name[0].isupper()]
    assert not [name for name in errors if f"`{name}`" not in page]


def test_the_reference_lists_its_pages() -> None:
    listed = (DOCS / "reference" / "index.md").read_text(encoding="utf-8")
    names = [page.name for page in (DOCS / "reference").glob("*.md") if page.name != "index.md"]
    assert not [name for name in names if f"({name})" not in listed]


def test_the_site_has_every_page() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(re.findall(r"[\w/-]+\.md", str(site["nav"]))) == [
        page.relative_to(DOCS).as_posix() for page in PAGES
    ]
