"""What training needs beyond the package itself."""

from __future__ import annotations

import importlib

from veriscope.errors import MissingPackageError

__all__ = ["need_training"]

_MODULES = {"torch": "torch", "onnx": "onnx", "bioimageio.spec": "bioimageio.spec"}


def need_training() -> None:
    """Refuse to begin where a package is missing, before an hour was spent.

    Raises
    ------
    MissingPackageError
        Names all that are missing, and the line that installs them.
    """
    missing = []
    for module, name in _MODULES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(name)
    if missing:
        raise MissingPackageError(
            f"training needs {', '.join(missing)}; install with: pip install 'veriscope[train]' (on a "
            "computer without GPU first: pip install torch --index-url https://download.pytorch.org/whl/cpu)"
        )
