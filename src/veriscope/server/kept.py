"""What is made from files, made again only when they have changed."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from veriscope.server.study_files import stamp_of
from veriscope.workflow.annotations import annotated_units
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder

__all__ = ["Kept", "KeptResults"]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
_MOST = 200


class Kept(Generic[Key, Value]):
    """Values by key, each with the state of the files that it was made from.

    Parameters
    ----------
    most
        Values kept; that which was not asked for the longest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Key, tuple[Hashable, Value]] = OrderedDict()
        self._locks: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(self, key: Key, state: Hashable, make: Callable[[], Value]) -> Value:
        """Give a value, making it if the state is another; several who ask at once wait for one.

        Parameters
        ----------
        key
            Names the value.
        state
            Present state of the files, looked at before they are read.
        make
            Makes it; what it raises is passed on, and it is asked again the next time.

        Returns
        -------
        object
            The value; not to be changed.
        """
        with self._guard:
            lock = self._locks[key]
        with lock:
            known = self._found.get(key)
            if known is None or known[0] != state:
                known = (state, make())
            with self._guard:
                self._found[key] = known
                self._found.move_to_end(key)
                while len(self._found) > self._most:
                    oldest, _ = self._found.popitem(last=False)
                    self._locks.pop(oldest, None)
            return known[1]


class KeptResults:
    """Results that take seconds, by study and candidate, for its annotations and its record."""

    def __init__(self) -> None:
        self._kept: Kept[Any, dict[str, Any]] = Kept(_MOST)

    def get(
        self,
        folder: StudyFolder,
        config: StudyConfig,
        method: str | None,
        compute: Callable[..., dict[str, Any]],
    ) -> dict[str, Any]:
        """Give a result, computing it if something has changed.

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
        names = ("study.yaml", "images.csv", "audit/frame.csv", "evidence/validate.json")
        measured = sorted((folder.root / "measurements").glob("*.parquet"))
        stamps = tuple(stamp_of(path) for path in (*(folder.root / name for name in names), *measured))
        annotations = tuple(path.as_posix() for path in annotated_units(folder).values())
        return self._kept.get(
            (folder.root, method), (stamps, annotations), lambda: compute(folder, config, method=method)
        )
