"""What one method has over another on the same test images: paired differences with their intervals.

The counts of each image are added up by field and the metric is pooled, as everywhere here; the interval of
the difference comes from leaving out one field at a time for both methods. Several seeds are judged as one:
their counts are added up, and a field is left out of all of them at once, since it is the same field. So the
interval says how far the difference may lie from that on other fields, of the networks that were trained;
what another training may change is seen from the differences of single seeds, which stand beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from _figures import COUNTED, KEYS, SIZES_TOLD

from veriscope.validate.candidates import candidates_by_counts
from veriscope.validate.paired import compare_pair
from veriscope.validate.units import UnitCounts

Rows = Sequence[dict[str, Any]]


def against_peers(rows: Rows, keys: Sequence[str] = KEYS) -> list[dict[str, Any]]:
    """Compare ours with each peer by metrics, over the seeds that both have.

    Points of a curve are compared with those of a peer with as many objects, and with twice as many. One that
    was told sizes is not compared with a peer that was not; the other way round it is.
    """
    runs: dict[tuple[str, int | None], dict[int, dict[str, Any]]] = {}
    for row in rows:
        if "missing" not in row:
            runs.setdefault((row["method"], row.get("of")), {})[row["seed"]] = row
    found = []
    for (ours, objects), own in runs.items():
        for (peer, as_many), theirs in runs.items():
            unfair = ours.endswith(SIZES_TOLD) and not peer.endswith(SIZES_TOLD)
            apart = objects != as_many and (objects is None or as_many != 2 * objects)
            pairs = [(own[seed], theirs[seed]) for seed in sorted(own.keys() & theirs.keys())]
            if not ours.startswith("ours") or peer.startswith("ours") or unfair or apart or not pairs:
                continue
            names: dict[str, Any] = {"first": ours, "second": peer}
            if objects is not None:
                names |= {"of": objects, "second_of": as_many}
            found += [names | difference(pairs, key) for key in keys]
    return found


def earlier(files: Sequence[Path]) -> dict[str, Any]:
    """Read the files of runs that were made in the same way, and give their rows as those of one run."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    made: dict[str, Any] = {}
    for file in files:
        found = json.loads(file.read_text(encoding="utf-8"))
        found.pop("paired", None)
        for row in found.pop("rows"):
            run = (row["method"], row["seed"], row.get("of"))
            if run in rows:
                raise SystemExit(f"{file}: {row['method']} with seed {row['seed']} is in another file too")
            rows[run] = row
        if made and made != found:
            raise SystemExit(f"{file} holds rows of {found}, {files[0]} of {made}: they cannot be compared")
        made = found
    return made | {"rows": list(rows.values())}


def difference(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]], key: str) -> dict[str, Any]:
    """Compare rows of two methods, seed by seed and over all of these; each pair of rows has its own seed."""
    by_seed = {str(first["seed"]): _difference([(first, second)], key) for first, second in pairs}
    return {"metric": key, "over_seeds": _difference(pairs, key), "by_seed": by_seed}


def counted(row: dict[str, Any]) -> bool:
    """Say whether a row kept the counts of its images, which older files have not."""
    return COUNTED in row


def lines(found: Iterable[dict[str, Any]]) -> list[str]:
    """Give one line of text for each difference."""
    told = []
    for one in found:
        own, their = (f" {one[key]}" if key in one else "" for key in ("of", "second_of"))
        names = f"{one['first']}{own} less {one['second']}{their}"
        told.append(f"{names:60s}  {one['metric']}  {show_difference(one)}")
    return told


def show_difference(one: dict[str, Any]) -> str:
    """Give a difference with its interval, fields and p value, and that of each seed."""
    over = one["over_seeds"]
    if over["value"] is None:
        return "—"
    ends = "no interval" if over["low"] is None else f"{over['low']:+.3f} to {over['high']:+.3f}"
    p_value = "" if over["p_value"] is None else f", p = {over['p_value']:.2g}"
    seeds = " ".join(f"{of['value']:+.3f}" for of in one["by_seed"].values() if of["value"] is not None)
    return f"{over['value']:+.3f} ({ends}), {over['n_units']} fields{p_value}; by seed {seeds}"


def _difference(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]], key: str) -> dict[str, Any]:
    first, second = ([unit for row in rows for unit in _units(row)] for rows in zip(*pairs, strict=True))
    candidates = candidates_by_counts({"first": first, "second": second}, metric=key, unit="field group")
    interval, p_value = compare_pair(candidates, 0, 1)
    return interval.to_dict() | {"p_value": p_value}


def _units(row: dict[str, Any]) -> list[UnitCounts]:
    """Read the counts of the images of a row."""
    if not counted(row):
        raise SystemExit(
            f"{row['method']} with seed {row['seed']} has no counts per image, its file is of an older run: "
            "run it again"
        )
    thresholds = [name.partition("@")[2] for name in row[COUNTED][0] if name.startswith("tp@")]
    return [
        UnitCounts(
            name=of["name"],
            n_reference=of["n_reference"],
            n_prediction=of["n_prediction"],
            thresholds=tuple(map(float, thresholds)),
            tp=tuple(of[f"tp@{at}"] for at in thresholds),
            fp=tuple(of[f"fp@{at}"] for at in thresholds),
            fn=tuple(of[f"fn@{at}"] for at in thresholds),
            sum_iou=tuple(of[f"sum_iou@{at}"] for at in thresholds),
            cluster=of["cluster"],
            weight=of["weight"],
        )
        for of in row[COUNTED]
    ]
