"""The verb train: what it asks for, what it prints, and what it refuses."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from veriscope.cli.train_verb import parse_minutes
from veriscope.errors import InputError, MissingPackageError
from veriscope.training.needs import need_training


@pytest.mark.parametrize(
    ("text", "minutes"), [("20min", 20), ("90s", 1.5), ("2h", 120), ("15", 15), ("1.5 h", 90), ("3m", 3)]
)
def test_times_are_read(text: str, minutes: float) -> None:
    assert parse_minutes(text) == pytest.approx(minutes)


@pytest.mark.parametrize("text", ["", "soon", "3 days", "-2min", "0s", "nanmin", "inf"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--time"):
        parse_minutes(text)


def test_missing_packages_are_told_with_the_line_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    found = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name in ("torch", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(
        MissingPackageError,
        match=r"training needs torch, onnx; install with: pip install 'veriscope\[train\]'",
    ):
        need_training()


def call(*words: str) -> Any:
    from veriscope.cli.app import app

    return CliRunner().invoke(app, ["train", *words])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "b"], "give the folder of the package to be made: -o NAME"),
        (
            ["images", "-o", "out"],
            "1 folder is given (images: no such folder; check the name); training takes images and labels",
        ),
        (["a", "b", "-o", "out", "--time", "1min", "--steps", "3"], "give one of them"),
        (["a", "b", "-o", "out", "--deterministic"], "deterministic training needs a number of steps"),
        (["a", "b", "-o", "out", "--tune", "head"], "give --from"),
        (["a", "b", "-o", "out", "--head", "boxes", "--architecture", "vit"], "has a network of its own"),
        (
            ["a", "-o", "out", "--self-supervised", "n2v", "--split", "s.csv", "--head", "star"],
            "--split, --head cannot be given with --self-supervised, which has no labels; leave it out",
        ),
    ],
)
def test_wrong_use_is_told_before_anything_is_read(words: list[str], message: str) -> None:
    pytest.importorskip("torch")
    result = call(*words)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def test_json_is_one_object_and_exit_code_0(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import numpy as np
    import tifffile

    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for number in range(4):
        rng = np.random.default_rng(number)
        labels = np.zeros((64, 64), np.uint16)
        for i in range(4):
            labels[10 + 32 * (i // 2) :, :][:12, 10 + 32 * (i % 2) : 22 + 32 * (i % 2)] = i + 1
        pixels = rng.poisson(100 + 400 * (labels > 0)).astype(np.uint16)
        tifffile.imwrite(tmp_path / "images" / f"i{number}.tif", pixels)
        tifffile.imwrite(tmp_path / "labels" / f"i{number}.tif", labels)
    folders = [str(tmp_path / name) for name in ("images", "labels")]
    options = "--steps 1 --from nuclei-fluorescence --tune head --crop 64 --batch 1 --rate 1e-6 --device cpu"
    result = call(*folders, "-o", str(tmp_path / "out"), *options.split(), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["schema"] == "veriscope/train/1"
    assert found["recommended"] == "start"
    assert "stays recommended" in found["comparison"]["sentence"]
    assert (tmp_path / "out" / "bioimageio.yaml").exists()


def test_options_that_a_study_decides_are_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("")
    result = call(str(tmp_path), "--group-by", "animal", "--axes", "yx")
    assert isinstance(result.exception, InputError)
    assert "--axes, --group-by cannot be given with a study, which says that itself" in str(result.exception)


def test_help_needs_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **options: Any) -> Any:
        assert not name.startswith("torch"), name
        return real(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    result = call("--help")
    assert result.exit_code == 0
    assert "--self-supervised" in result.output
