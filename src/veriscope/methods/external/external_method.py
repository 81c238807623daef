"""A tool of others as a method: its process predicts whole images."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.labels import relabel_sequential
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.methods.base import Method
from veriscope.methods.external.environment import Environment, Recipe, need_environment
from veriscope.methods.external.model_paths import given_path
from veriscope.methods.external.process import Limits, ToolProcess, memory_of

__all__ = ["ExternalMethod", "ExternalParameters", "content_hash", "for_tool"]

_COPIES_BYTES = 40.0
"""Memory per pixel of an image and its labels here, and of both on their way to the tool."""
_SMALLEST = 32
"""Shortest side that every tool takes; smaller images are extended with their edge pixels."""


class ExternalParameters(Settings):
    """Options of every tool."""

    timeout: float = Field(default=600.0, gt=0)
    """Seconds allowed for one image; then the tool is stopped and the image fails."""
    start_timeout: float = Field(default=300.0, gt=0)
    """Seconds allowed for starting the tool and loading its model."""
    memory_gb: float | None = Field(default=None, gt=0)
    """Most memory of the tool in gigabytes, watched on Linux; None: 90 % of what the machine has."""


class ExternalMethod(Method):
    """A model of a tool; each tool has a subclass, and each of its models a subclass of that.

    Parameters
    ----------
    parameters
        Options of the class `Parameters`, or None for the defaults. The tool starts with the first image.

    Attributes
    ----------
    recipe
        Of the tool's environment.
    model
        Name or path of the model.
    """

    Parameters: ClassVar[type[Settings]] = ExternalParameters
    recipe: ClassVar[Recipe]
    model: ClassVar[str]

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        self.environment = need_environment(self.recipe, self.name)
        self.files = self.model_files(self.environment)
        self.threads = 0
        self.most_bytes: int | None = None
        self._tool: ToolProcess | None = None
        self._hashes: dict[str, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tool": None}

    def __reduce__(self) -> Any:
        from veriscope.methods.external.find import remake

        return remake, (self.name, self.parameters, self.threads, self.most_bytes)

    @classmethod
    def model_files(cls, environment: Environment) -> list[Path]:
        """Give the files of the model.

        Parameters
        ----------
        environment
            Of the tool.

        Returns
        -------
        list of pathlib.Path
            They exist; a folder stands for all that is in it.

        Raises
        ------
        MethodError
            If one is missing; the message says how to get it.
        """
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Give what the worker is told with every image.

        Returns
        -------
        dict
            Plain values: all options of the tool itself.
        """
        own = set(ExternalParameters.model_fields)
        values: dict[str, Any] = self.parameters.model_dump(mode="json")
        return {name: value for name, value in values.items() if name not in own}

    def limit_threads(self, threads: int) -> None:
        """Use no more threads than that; the tool is started anew with them.

        Parameters
        ----------
        threads
            At least 1.
        """
        if threads != self.threads:
            self.threads = threads
            self.close()

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Say how much memory it takes here; the tool's own process is watched, see `limit_memory`."""
        return math.prod(shape) * _COPIES_BYTES

    def limit_memory(self, n_bytes: int) -> None:
        """Have the tool stopped if it uses more than that; the image that it was at fails then.

        Parameters
        ----------
        n_bytes
            For the tool's process.

        Raises
        ------
        MethodError
            If it uses more already, or the system does not tell how much it uses.
        """
        if not memory_of(os.getpid()):
            raise MethodError(
                f"--memory: this system does not tell how much memory {self.recipe.title} uses, so no amount "
                "can be promised; leave out --memory"
            )
        self.most_bytes = n_bytes
        used = self._tool.memory() if self._tool is not None else 0
        if used > n_bytes:
            raise MethodError(
                f"--memory: {self.name} uses {used >> 20} MB before it sees an image, and "
                f"{max(n_bytes, 0) >> 20} MB of the memory promised are left for it; give more "
                "--memory, or fewer --workers"
            )
        if self._tool is not None:
            self._tool.limits = replace(self._tool.limits, memory_bytes=self.memory_bytes)

    @property
    def memory_bytes(self) -> int | None:
        """Most memory of the tool's process; None: 90 % of what the machine has."""
        stated = self.parameters.memory_gb
        limits = [] if stated is None else [int(stated * 2**30)]
        limits += [] if self.most_bytes is None else [self.most_bytes]
        return min(limits, default=None)

    def make_ready(self) -> None:
        """Start the tool and load the model, so that what is missing is said before the first image."""
        self.tool.start()

    def close(self) -> None:
        """End the tool's process; it starts anew when it is needed."""
        tool, self._tool = self._tool, None
        if tool is not None:
            tool.close()

    @property
    def tool(self) -> ToolProcess:
        """The tool's process, which may not have started."""
        if self._tool is None:
            self._tool = self._make_tool()
        return self._tool

    def _make_tool(self) -> ToolProcess:
        options = self.parameters
        variables = {
            name: value.format(weights=self.environment.weights) for name, value in self.recipe.variables
        }
        if self.threads:
            variables |= {
                name: str(self.threads)
                for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NUMBA_NUM_THREADS")
            }
        return ToolProcess(
            self.name,
            self.environment.python,
            self.recipe.worker_path(),
            {
                "model": self.model,
                "own": given_path(self.model) is not None,
                "files": [str(path) for path in self.files],
                "threads": self.threads,
                "options": self.options(),
            },
            limits=Limits(options.start_timeout, options.timeout, self.memory_bytes),
            variables=variables,
        )

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters, and versions and files of the tool as plain values, for the record.

        Returns
        -------
        dict
            As for every method, with ``tool``: ``name``, ``version``, ``packages`` and ``files`` (SHA-256).
        """
        if self._hashes is None:
            self._hashes = {path.name: content_hash(path) for path in self.files}
        record = self.environment.record
        return super().describe() | {
            "tool": {
                "name": self.recipe.tool,
                "version": self.environment.version,
                "packages": record.get("installed", {}),
                "files": self._hashes,
            }
        }

    def _predict(self, image: Image) -> Prediction:
        if image.pixels.min() == image.pixels.max():
            return Prediction(np.zeros(image.shape, np.int32), image.axes, details={"constant": True})
        values, arrays = self._ask(image)
        labels = self._labels(arrays, image)
        details = {str(k): v for k, v in values.items()}
        probabilities = arrays.get("probabilities")
        if probabilities is not None and not _fits(probabilities, int(labels.max(initial=0))):
            details["probabilities"] = "left out: the tool gave none that are numbers for each object"
            probabilities = None
        return Prediction(*_without_gaps(labels, probabilities, image.axes), details=details)

    def _ask(self, image: Image) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return self.tool.ask("predict", {"image": for_tool(image.pixels)}, self.options())

    def _labels(self, arrays: dict[str, NDArray[Any]], image: Image) -> NDArray[Any]:
        labels = arrays.get("labels")
        if labels is None or labels.dtype.kind not in "iu" or labels.ndim != image.pixels.ndim:
            raise MethodError(f"{image.name}: {self.name} gave no label image")
        if labels.shape not in (image.shape, _sent_shape(image.shape)):
            raise MethodError(
                f"{image.name}: {self.name} gave labels of shape {labels.shape} for {image.shape}"
            )
        labels = labels[tuple(slice(0, size) for size in image.shape)]
        if labels.size and int(labels.min()) < 0:
            raise MethodError(f"{image.name}: {self.name} gave negative labels")
        return labels


def for_tool(pixels: NDArray[Any]) -> NDArray[Any]:
    """Bring pixels to a type that every tool takes, and short sides to the length that it takes.

    Parameters
    ----------
    pixels
        Of an image, any numeric dtype.

    Returns
    -------
    numpy.ndarray
        uint8, uint16 or float32; sides of at least 32 pixels, extended at their ends by the edge pixels.
    """
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8)
    elif pixels.dtype not in (np.uint8, np.uint16, np.float32):
        pixels = pixels.astype(np.float32)
    wanted = _sent_shape(pixels.shape)
    if wanted != pixels.shape:
        more = [(0, size - there) for size, there in zip(wanted, pixels.shape, strict=True)]
        pixels = np.pad(pixels, more, mode="edge")
    return np.ascontiguousarray(pixels)


def _sent_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], *(max(size, _SMALLEST) for size in shape[-2:]))


def _fits(probabilities: NDArray[Any], n_objects: int) -> bool:
    """Whether there is one for each object; more where objects lie outside the image, or under others."""
    return (
        probabilities.ndim == 1 and len(probabilities) >= n_objects and bool(np.isfinite(probabilities).all())
    )


def _without_gaps(
    labels: NDArray[Any], probabilities: NDArray[Any] | None, axes: str
) -> tuple[NDArray[np.int32], str, NDArray[np.float32] | None]:
    """Give labels without gaps, each object with its probability."""
    if probabilities is None:
        return relabel_sequential(labels), axes, None
    present = np.unique(labels)
    kept = np.clip(probabilities[present[present > 0] - 1], 0, 1).astype(np.float32)
    return relabel_sequential(labels), axes, kept


def content_hash(path: Path) -> str:
    """Hash a file, or the names and contents of all files in a folder.

    Parameters
    ----------
    path
        File or folder.

    Returns
    -------
    str
        SHA-256.
    """
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    seen = hashlib.sha256()
    for file in sorted(found for found in path.rglob("*") if found.is_file()):
        seen.update(f"{file.relative_to(path).as_posix()}\0{content_hash(file)}\n".encode())
    return seen.hexdigest()
