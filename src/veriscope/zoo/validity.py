"""Whether the description is valid in its format, by `bioimageio.spec`, where it is installed."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

from veriscope.methods.zoo.description import ModelDescription

__all__ = ["check_validity"]


def check_validity(path: Path, description: ModelDescription) -> dict[str, Any]:
    """Check a description that Veriscope can read against the whole specification.

    Parameters
    ----------
    path
        The YAML file.
    description
        What was read from it.

    Returns
    -------
    dict
        ``status``: ``yes`` or ``no`` by `bioimageio.spec`; ``readable`` if that is not installed. ``by``
        and ``text`` say who found what.
    """
    ours = f"read as format {description.format_version}"
    if "output_of" in path.read_text(encoding="utf-8"):  # bioimageio.spec would fetch the other model
        text = f"{ours}; it refers to another model, so the whole specification was not checked"
        return {"status": "readable", "by": "veriscope", "text": text}
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            from bioimageio.spec import InvalidDescr, ValidationContext, load_description
            from bioimageio.spec import __version__ as version
            from loguru import logger

            logger.disable("bioimageio")
            context = ValidationContext(perform_io_checks=False, log_warnings=False)
            with context:
                found = load_description(path, perform_io_checks=False)
    except ImportError:
        text = f"{ours}; pip install bioimageio.spec checks the whole specification"
        return {"status": "readable", "by": "veriscope", "text": text}
    except Exception as error:
        return {"status": "no", "by": "bioimageio.spec", "text": f"{type(error).__name__}: {error}"[:400]}
    if isinstance(found, InvalidDescr):
        faults = [
            f"{'.'.join(map(str, item.loc))}: {item.msg}"
            for detail in found.validation_summary.details
            for item in detail.errors
        ]
        return {"status": "no", "by": f"bioimageio.spec {version}", "text": "; ".join(faults[:3])[:400]}
    return {"status": "yes", "by": f"bioimageio.spec {version}", "text": ours}
