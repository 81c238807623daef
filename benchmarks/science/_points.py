"""Points of a learning curve, kept in a file one by one, so that a run may be stopped; and their table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.io.atomic import write_text

METRIC = "f1@0.5"


class Points:
    """What was measured, and how: points made in another way are never mixed with these."""

    def __init__(self, file: Path | None, made: dict[str, Any]) -> None:
        self.file, self.made = file, made
        self.rows: list[dict[str, Any]] = []
        if file is not None and file.exists():
            found = json.loads(file.read_text(encoding="utf-8"))
            self.rows = found.pop("rows")
            if found != made:
                raise SystemExit(f"{file} holds points of {found}, not of {made}: name another file")

    def has(self, asked: str, seed: int, objects: int) -> bool:
        """Say whether a method was run with this seed and so many objects asked for."""
        return any((row["asked"], row["seed"], row["of"]) == (asked, seed, objects) for row in self.rows)

    def keep(self, rows: list[dict[str, Any]]) -> None:
        """Add rows of one method, but for one whose environment is missing: that may be made yet."""
        self.rows += [row for row in rows if "missing" not in row]
        if self.file is not None:
            write_text(self.file, json.dumps(self.to_dict(), indent=1) + "\n")

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return self.made | {"rows": self.rows}

    def summary(self) -> list[str]:
        """Give lines of text: each method over its seeds, then with half the objects against the others."""
        over: dict[tuple[str, int], dict[int, float]] = {}
        for row in self.rows:
            if (value := row[METRIC]["value"]) is not None:
                over.setdefault((row["method"], row["of"]), {})[row["seed"]] = value
        lines = [f"{METRIC} by method and annotated objects: mean over seeds (lowest to highest), seeds"]
        for (method, objects), values in sorted(over.items()):
            found = list(values.values())
            ends = f"{np.mean(found):.3f} ({min(found):.3f} to {max(found):.3f})"
            lines.append(f"{method:24s} {objects:4d}  {ends}, {len(found)}")
        half = []
        for (method, objects), values in sorted(over.items()):
            for (other, twice), theirs in sorted(over.items()):
                both = sorted(values.keys() & theirs.keys())
                if method == "ours-start" and other != method and twice == 2 * objects and both:
                    less = "  ".join(f"{values[seed] - theirs[seed]:+.3f}" for seed in both)
                    half.append(f"{method} {objects} less {other} {twice}:  {less}")
        if half:
            lines.append("our start with half the objects, less others with all of them, seed by seed")
        return lines + half
