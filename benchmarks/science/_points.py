"""Points of a learning curve, kept in a file one by one, so that a run may be stopped; and their table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from _paired import against_peers, counted, difference, lines, show_difference

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

    @classmethod
    def of(cls, found: dict[str, Any]) -> Points:
        """Take points as `to_dict` gave them."""
        points = cls(None, {key: value for key, value in found.items() if key != "rows"})
        points.rows = found["rows"]
        return points

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
        """Give lines of text: each method over its seeds, then ours less others, with half the objects."""
        over: dict[tuple[str, int], dict[int, dict[str, Any]]] = {}
        for row in self.rows:
            if row[METRIC]["value"] is not None:
                over.setdefault((row["method"], row["of"]), {})[row["seed"]] = row
        told = [f"{METRIC} by method and annotated objects: mean over seeds (lowest to highest), seeds"]
        for (method, objects), of_seeds in sorted(over.items()):
            found = [row[METRIC]["value"] for row in of_seeds.values()]
            ends = f"{np.mean(found):.3f} ({min(found):.3f} to {max(found):.3f})"
            told.append(f"{method:24s} {objects:4d}  {ends}, {len(found)}")
        half = []
        for (method, objects), own in sorted(over.items()):
            for (other, twice), theirs in sorted(over.items()):
                pairs = [(own[seed], theirs[seed]) for seed in sorted(own.keys() & theirs.keys())]
                if method == "ours-start" and other != method and twice == 2 * objects and pairs:
                    half.append(f"{method} {objects} less {other} {twice}:  {_less(pairs)}")
        if half:
            told.append("our start with half the objects, less others with all of them")
        compared = against_peers([row for row in self.rows if counted(row)], [METRIC])
        return told + half + lines(one for one in compared if one["of"] == one["second_of"])


def _less(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Give the paired difference; of points from before counts were kept, that of each seed alone."""
    if all(counted(row) for pair in pairs for row in pair):
        return show_difference(difference(pairs, METRIC))
    return "  ".join(f"{own[METRIC]['value'] - their[METRIC]['value']:+.3f}" for own, their in pairs)
