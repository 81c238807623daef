"""What ours has over peers on the same images: paired differences, from runs together or apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from veriscope.validate.ranking import rank
from veriscope.validate.units import UnitCounts

KEYS = ("f1@0.5", "f1@0.7", "f1@0.9", "ap@0.5")
N_OBJECTS = 40


@pytest.fixture(scope="module")
def paired(script: dict[str, Any]) -> SimpleNamespace:
    """Functions that compare methods."""
    return SimpleNamespace(**script["against_peers"].__globals__)


def unit(image: int, found: Sequence[int]) -> UnitCounts:
    """An image of forty objects, so many found at each threshold, as many predicted. Two are a field."""
    tp = tuple(found)
    fn = tuple(N_OBJECTS - n for n in tp)
    names = (f"image{image}", N_OBJECTS, N_OBJECTS, (0.5, 0.7, 0.9), tp, fn, fn, tuple(0.95 * n for n in tp))
    return UnitCounts(*names, cluster=f"field{image // 2}")


def units(*, ahead: int, seed: int = 0) -> list[UnitCounts]:
    """Fields that differ much, in which a method is ahead by about so many objects of each image."""
    rng = np.random.default_rng(seed)
    hard = np.repeat(np.linspace(0, 25, 8), 2)
    luck = rng.integers(0, 2, len(hard))
    return [
        unit(i, [N_OBJECTS - 3 - int(hard[i]) + ahead + int(luck[i]) - drop for drop in (0, 3, 9)])
        for i in range(len(hard))
    ]


def row(script: dict[str, Any], method: str, counts: list[UnitCounts], **told: Any) -> dict[str, Any]:
    return json.loads(json.dumps({"method": method, "seed": 0, **told, **script["figures"](counts)}))


def only(found: list[dict[str, Any]], key: str) -> dict[str, Any]:
    (one,) = [one for one in found if one["metric"] == key]
    return one


def test_the_difference_is_that_of_the_projects_own_ranking(script: dict[str, Any], paired: Any) -> None:
    ours, theirs = units(ahead=2), units(ahead=0, seed=1)
    found = paired.against_peers([row(script, "ours", ours), row(script, "cellpose", theirs)])
    assert [one["metric"] for one in found] == list(KEYS)
    for key in KEYS:
        one = only(found, key)
        ranking = rank({"ours": ours, "cellpose": theirs}, metric=key, unit="field group")
        (pair,) = ranking.pairs
        assert (pair.first, one["first"], one["second"]) == ("ours", "ours", "cellpose")
        assert one["over_seeds"] == pair.difference.to_dict() | {"p_value": pair.p_value}
        assert one["by_seed"] == {"0": one["over_seeds"]}
        assert one["over_seeds"]["n_units"] == 8


def test_a_small_lead_in_every_field_is_seen_where_intervals_of_each_overlap(
    script: dict[str, Any], paired: Any
) -> None:
    ours = row(script, "ours", units(ahead=2))
    theirs = row(script, "stardist", units(ahead=0, seed=1))
    assert ours["f1@0.5"]["low"] < theirs["f1@0.5"]["high"]
    over = only(paired.against_peers([ours, theirs]), "f1@0.5")["over_seeds"]
    assert 0 < over["low"] < over["value"] < over["high"]
    assert over["p_value"] < 0.05


def test_the_same_networks_again_are_no_new_fields(script: dict[str, Any], paired: Any) -> None:
    ours, theirs = units(ahead=1), units(ahead=0, seed=1)

    def over(n_seeds: int) -> dict[str, Any]:
        rows = [
            row(script, method, of, seed=seed)
            for seed in range(n_seeds)
            for method, of in (("ours", ours), ("cellpose", theirs))
        ]
        return only(paired.against_peers(rows), "f1@0.7")["over_seeds"]

    one, three = over(1), over(3)
    assert three["n_units"] == one["n_units"] == 8
    for end in ("value", "low", "high", "p_value"):
        assert three[end] == pytest.approx(one[end], rel=1e-9)


def test_seeds_are_paired_and_stand_one_by_one(script: dict[str, Any], paired: Any) -> None:
    leads = {0: 3, 1: 1, 2: -2}
    rows = [row(script, "cellpose", units(ahead=0), seed=seed) for seed in (2, 1, 0, 5)]
    rows += [row(script, "ours", units(ahead=ahead), seed=seed) for seed, ahead in leads.items()]
    one = only(paired.against_peers(rows), "f1@0.5")
    by_seed = {int(seed): of["value"] for seed, of in one["by_seed"].items()}
    assert by_seed == pytest.approx({seed: ahead / N_OBJECTS for seed, ahead in leads.items()})
    assert one["over_seeds"]["value"] == pytest.approx(np.mean(list(by_seed.values())))
    assert paired.lines([one])[0].endswith("by seed +0.075 +0.025 -0.050")


def test_sizes_told_are_never_an_advantage_of_ours(script: dict[str, Any], paired: Any) -> None:
    names = ("ours", "ours, sizes told", "ours-start", "cellpose", "cellpose, sizes told", "stardist")
    rows = [row(script, name, units(ahead=0)) for name in names]
    found = {(one["first"], one["second"]) for one in paired.against_peers(rows, ["f1@0.5"])}
    assert found == {
        *((own, peer) for own in ("ours", "ours-start") for peer in names[3:]),
        ("ours, sizes told", "cellpose, sizes told"),
    }


def test_points_of_a_curve_are_compared_with_as_many_objects_and_with_twice_as_many(
    script: dict[str, Any], paired: Any
) -> None:
    points = [("ours", of, 2) for of in (25, 50, 100, 200)] + [("cellpose", 100, 1)]
    rows = [row(script, method, units(ahead=ahead), of=of) for method, of, ahead in points]
    found = paired.against_peers(rows, ["ap@0.5"])
    assert [(one["of"], one["second_of"]) for one in found] == [(50, 100), (100, 100)]
    lines = paired.lines(found)
    assert lines[0].startswith("ours 50 less cellpose 100  ")
    assert lines[1].startswith("ours 100 less cellpose 100  ")


def test_points_made_apart_give_the_table_of_their_curve(
    script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = row(script, "ours-start", units(ahead=2), of=50)
    peers = [row(script, "stardist-start", units(ahead=0, seed=1), of=of) for of in (50, 100)]
    files = [
        write(tmp_path / f"{name}.json", rows, set="tissue")
        for name, rows in (("ours", [ours]), ("peers", peers))
    ]
    found = script["main"](["--compare", *files])
    told = capsys.readouterr().out.splitlines()
    (half,) = [one for one in found["paired"] if (one["second_of"], one["metric"]) == (100, "f1@0.5")]
    assert f"ours-start 50 less stardist-start 100:  {paired_text(script, half)}" in told
    assert any(line.startswith("stardist-start            100  0.") for line in told)


def paired_text(script: dict[str, Any], one: dict[str, Any]) -> str:
    return str(script["lines"].__globals__["show_difference"](one))


def test_a_peer_that_is_missing_and_other_seeds_are_not_compared(script: dict[str, Any], paired: Any) -> None:
    ours = row(script, "ours", units(ahead=0))
    missing = {"method": "stardist", "seed": 0, "missing": "no environment"}
    assert paired.against_peers([ours, missing, row(script, "cellpose", units(ahead=0), seed=1)]) == []
    assert paired.against_peers([]) == []


def test_what_cannot_be_known_is_not_shown_as_a_number(script: dict[str, Any], paired: Any) -> None:
    one_field = units(ahead=0)[:2]
    rows = [row(script, method, one_field) for method in ("ours", "cellpose")]
    (line,) = paired.lines(paired.against_peers(rows, ["f1@0.5"]))
    assert "+0.000 (no interval), 1 fields; by seed +0.000" in line
    nothing = [replace(of, n_reference=0, n_prediction=0, tp=(0,) * 3, fn=(0,) * 3) for of in one_field]
    nothing = [replace(of, fp=(0,) * 3, sum_iou=(0.0,) * 3) for of in nothing]
    rows = [row(script, method, nothing) for method in ("ours", "cellpose")]
    assert "no interval" in paired.lines(paired.against_peers(rows, ["f1@0.5"]))[0]


def write(file: Path, rows: list[dict[str, Any]], **made: Any) -> str:
    made = {"schema": "veriscope/benchmark-training/1", "cpu_minutes": 17.0, **made}
    file.write_text(json.dumps(made | {"rows": rows}))
    return str(file)


def test_runs_made_apart_are_compared_without_a_new_one(
    script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = write(tmp_path / "ours.json", [row(script, "ours", units(ahead=2))], paired=[])
    peer = write(tmp_path / "peer.json", [row(script, "cellpose", units(ahead=0, seed=1))])
    out = tmp_path / "out.json"
    found = script["main"](["--compare", ours, peer, "--json", str(out)])
    assert json.loads(out.read_text()) == found
    assert (found["cpu_minutes"], len(found["rows"]), len(found["paired"])) == (17.0, 2, 4)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4
    assert told[0].startswith("ours less cellpose")
    assert "f1@0.5  +0.0" in told[0] and "8 fields, p = " in told[0]
    # The file that it wrote is one of a run like others.
    assert script["main"](["--compare", str(out)])["paired"] == found["paired"]


def test_files_that_do_not_belong_together_are_refused(script: dict[str, Any], tmp_path: Path) -> None:
    ours = write(tmp_path / "ours.json", [row(script, "ours", units(ahead=0))])
    other = [row(script, "cellpose", units(ahead=0))]
    with pytest.raises(SystemExit, match=r"longer\.json holds rows of .*30\.0.*17\.0.*cannot be compared"):
        script["main"](["--compare", ours, write(tmp_path / "longer.json", other, cpu_minutes=30.0)])
    with pytest.raises(SystemExit, match=r"ours\.json: ours with seed 0 is in another file too"):
        script["main"](["--compare", ours, ours])
    old = write(tmp_path / "old.json", [{"method": "cellpose", "seed": 0, "f1@0.5": {"value": 0.9}}])
    with pytest.raises(SystemExit, match=r"cellpose with seed 0 has no counts per image.*run it again"):
        script["main"](["--compare", ours, old])
    fewer = write(tmp_path / "fewer.json", [row(script, "cellpose", units(ahead=0)[:-2])])
    with pytest.raises(Exception, match="compare candidates on the same images"):
        script["main"](["--compare", ours, fewer])
