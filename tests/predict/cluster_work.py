"""Work for tests of executors; imported by name in worker processes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from veriscope.errors import MethodError


@dataclass(frozen=True)
class Numbers:
    """Writes each number to a file; the ones in `bad` cannot be done."""

    folder: Path
    bad: tuple[int, ...] = ()
    seconds: float = 0
    weight: int = 100
    threads: tuple[int, ...] = ()

    def __call__(self, unit: int) -> dict[str, Any]:
        if unit in self.bad:
            raise MethodError(f"{unit} cannot be done")
        time.sleep(self.seconds)
        (self.folder / str(unit)).write_text(str(unit * unit))
        return {"square": unit * unit, "weight": self.weight, "process": os.getpid()}

    def lighter(self, unit: int) -> Numbers:
        return replace(self, weight=self.weight // 2)

    def prepare(self, threads: int) -> None:
        (self.folder / f"threads-{threads}").touch()
