"""Folders of tiny images, written as any tool would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tifffile

from veriscope.errors import VeriscopeError
from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give a function that writes images, by stem, as TIFF files into a new folder."""

    def write(name: str, /, **images: Any) -> Path:
        path = tmp_path / name
        path.mkdir(parents=True)
        for stem, pixels in images.items():
            tifffile.imwrite(path / f"{stem}.tif", pixels, photometric="minisblack")
        return path

    return write


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[..., str]:
    """Give a function that compares and hands back the error's message, with the folder's name taken out."""

    def refuse(*paths: str | Path, **options: Any) -> str:
        with pytest.raises(VeriscopeError) as caught:
            compare_folders(*paths, **options)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return refuse
