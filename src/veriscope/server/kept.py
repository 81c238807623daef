"""Results that take seconds, computed once for the same state of a study."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

from veriscope.workflow.annotations import annotated_units
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder

__all__ = ["KeptResults"]

_MOST = 200


class KeptResults:
    """Results by study, its annotations and its record."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
        self._locks: defaultdict[tuple[Any, ...], threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(
        self,
        folder: StudyFolder,
        config: StudyConfig,
        method: str | None,
        compute: Callable[..., dict[str, Any]],
    ) -> dict[str, Any]:
        """Give a result, computing it if something has changed; several who ask at once wait for one.

        Parameters
        ----------
        folder
            The study.
        config
            Its study.yaml.
        method
            Candidate, or None.
        compute
            Takes folder, config and ``method=``.

        Returns
        -------
        dict
            The result; not to be changed.
        """
        state = tuple(
            (folder.root / name).stat().st_mtime_ns if (folder.root / name).exists() else 0
            for name in ("study.yaml", "images.csv", "audit/frame.csv", "evidence/validate.json")
        )
        measured = tuple(
            path.stat().st_mtime_ns for path in sorted((folder.root / "measurements").glob("*.parquet"))
        )
        annotations = tuple(path.as_posix() for path in annotated_units(folder).values())
        key = (folder.root, method, state, measured, annotations)
        with self._guard:
            lock = self._locks[(folder.root, method)]
        with lock:
            if key not in self._found:
                self._found[key] = compute(folder, config, method=method)
                while len(self._found) > _MOST:
                    self._found.popitem(last=False)
            return self._found[key]
