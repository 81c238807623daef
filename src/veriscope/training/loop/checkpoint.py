"""A file from which a killed training goes on."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from veriscope.errors import MethodError
from veriscope.io.atomic import write_bytes

__all__ = ["GOES_ON", "load_checkpoint", "save_checkpoint"]

GOES_ON = "a training that was stopped goes on; what it took counts the last run alone"
"""What is said where there is a checkpoint."""


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint: the old one stays until the new one is whole.

    Parameters
    ----------
    path
        The file.
    content
        Tensors and plain values; ``identity`` says of what.

    Raises
    ------
    InputError
        If it cannot be written, such as on a full disk.
    """
    stream = io.BytesIO()
    torch.save(content, stream)
    write_bytes(path, stream.getvalue())


def load_checkpoint(path: Path, identity: str) -> dict[str, Any]:
    """Read a checkpoint, as data alone.

    Parameters
    ----------
    path
        The file.
    identity
        What it must be of.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    MethodError
        If it is damaged, or of another training.
    """
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
        if not isinstance(content, dict):
            raise TypeError(f"it holds one {type(content).__name__}")
        found = content["identity"]
    except (
        RuntimeError,
        KeyError,
        ValueError,
        TypeError,
        EOFError,
        OSError,
        pickle.UnpicklingError,
    ) as error:
        raise MethodError(
            f"{path}: is not a checkpoint of a training, or it is damaged ({error}); delete it to begin anew"
        ) from error
    if found != identity:
        raise MethodError(
            f"{path}: was left by a training with other settings or images; finish that with the same "
            "command as before, or delete the file to begin anew"
        )
    return dict(content)
