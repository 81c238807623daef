"""What `import veriscope` gives, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import veriscope

SCIENCE = {"numpy", "scipy", "pandas", "skimage", "sklearn", "zarr", "tifffile", "onnxruntime", "PIL"}
HEAVY = SCIENCE | {"pydantic", "typer", "rich", "jinja2"}


def loaded_by(statement: str) -> set[str]:
    """Top-level packages in memory after a statement in a fresh interpreter."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_import_loads_nothing_heavy() -> None:
    assert not loaded_by("import veriscope") & HEAVY


def test_help_of_the_command_line_loads_no_science() -> None:
    loaded = loaded_by(
        "import sys\nsys.argv = ['veriscope', '--help']\n"
        "from veriscope.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not loaded & SCIENCE


def test_all_is_sorted_and_complete() -> None:
    names = veriscope.__all__

    assert list(names) == sorted(names)
    assert len(set(names)) == len(names)
    assert set(names) <= set(dir(veriscope))


@pytest.mark.parametrize("name", getattr(veriscope, "__all__", ()))
def test_every_name_resolves(name: str) -> None:
    assert getattr(veriscope, name) is not None


def test_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'veriscope' has no attribute 'no_such_name'"):
        veriscope.no_such_name  # noqa: B018


@pytest.mark.parametrize("module", ["veriscope.errors", "veriscope.registry"])
def test_small_modules_stay_small(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


def test_processes_that_predict_load_no_tables() -> None:
    assert "pandas" not in loaded_by("import veriscope.predict.folder, veriscope.predict.tile_work")
