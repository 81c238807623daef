"""Makes what runs Keras and TensorFlow weights: a process without rights, with another Python."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veriscope.errors import MethodError, MissingPackageError
from veriscope.methods.external.environment import Environment, find_environment, need_environment
from veriscope.methods.external.find import recipe_of
from veriscope.methods.zoo.archive import unpack_zip
from veriscope.methods.zoo.description import Weights
from veriscope.methods.zoo.isolated import IsolatedEngine
from veriscope.methods.zoo.isolated_worker import verified

if TYPE_CHECKING:
    from veriscope.methods.zoo.zoo_model import InstalledModel

__all__ = ["KerasEngine", "keras_engine"]

_SUFFIX = {"keras_v3": ".keras", "keras_hdf5": ".h5"}
_ENVIRONMENTS = ("tensorflow", "stardist")
"""Tools whose environments have TensorFlow; the first that is there serves."""


class KerasEngine(IsolatedEngine):
    """Runs Keras and TensorFlow weights, which lie in a folder of their own while the process lives.

    Keras goes by the end of a file's name, and TensorFlow opens unpacked bundles alone.
    """

    _folder: Path | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_folder": None}

    def prepared(self) -> Mapping[str, Any]:
        """Give the order, with the weights linked or unpacked.

        Returns
        -------
        mapping
            Plain values.

        Raises
        ------
        MethodError
            If a bundle was changed after it was verified.
        UnreadableFileError
            If a bundle is no archive that is safe to unpack.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="veriscope-model-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        suffix = _SUFFIX.get(self.order["format"])
        place = self._folder / ("bundle" if suffix is None else f"model{suffix}")
        if suffix is None:
            try:
                verified(str(self.weights), self.order["weights_sha256"])
            except ValueError as error:
                raise MethodError(str(error)) from error
            unpack_zip(self.weights, place)
        else:
            try:
                place.symlink_to(self.weights.resolve())
            except OSError:  # not every user of Windows may make links
                shutil.copyfile(self.weights, place)
        return {**self.order, "weights": str(place)}

    def close(self) -> None:
        """End the process, and remove the folder."""
        super().close()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def keras_engine(installed: InstalledModel, weights: Weights) -> KerasEngine:
    """Make the engine of weights for Keras or TensorFlow.

    Parameters
    ----------
    installed
        The package.
    weights
        ``keras_v3``, ``keras_hdf5`` or ``tensorflow_saved_model_bundle``.

    Returns
    -------
    KerasEngine
        Nothing has run yet.

    Raises
    ------
    MissingPackageError
        If no environment with TensorFlow is there; the message has the command that makes one.
    """
    environment = _environment(f"{installed.name}: to run its {weights.format} weights")
    path = installed.folder / weights.file.source
    order = {
        "runner": "keras_runner",
        "format": weights.format,
        "weights_sha256": installed.hashes[weights.file.source],
        "outputs": [out.id for out in installed.description.outputs],
    }
    return KerasEngine(path, order, advise=_advice, python=environment.python)


def _environment(name: str) -> Environment:
    for tool in _ENVIRONMENTS:
        if found := find_environment(recipe_of(tool)):
            return found
    try:
        return need_environment(recipe_of(_ENVIRONMENTS[0]), name)
    except MethodError as error:
        raise MissingPackageError(str(error)) from error


def _advice(text: str) -> str:
    if "which is code" in text or "lies in another file" in text:
        return f"is not run: {text.removeprefix('ValueError: ')}"
    if "PermissionDenied" in text or "PermissionError" in text:
        return f"wants to write a file or to use the network, which no model may: {text}"
    return f"Keras and TensorFlow cannot run it: {text}"
