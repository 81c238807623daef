"""Every metric against an independent implementation, on random and real cases.

::

    python benchmarks/science/metric_agreement.py              # at least 200 cases a metric, some minutes
    python benchmarks/science/metric_agreement.py --quick      # about ten cases a metric
    python benchmarks/science/metric_agreement.py tracking --json FILE

Each family of metrics has its own file beside this one, in ``metric_agreement/``. Peers that are not in this
environment are run in their own, see ``benchmarks/peers/``; a peer that was not made is said so. A row whose
difference is beyond its tolerance ends the script with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path
from typing import Any

SCHEMA = "veriscope/benchmark-metric-agreement/1"
FAMILIES = (
    "instance",
    "semantic",
    "topology",
    "detection",
    "classification",
    "restoration",
    "tracking",
    "application",
)
PARTS = Path(__file__).with_name("metric_agreement")


def rows_of(family: str, *, quick: bool) -> list[dict[str, Any]]:
    """Compare the metrics of a family with their peers."""
    found: list[dict[str, Any]] = runpy.run_path(str(PARTS / f"{family}.py"))["rows"](quick=quick)
    return [{"family": family, **row} for row in found]


def agrees(row: dict[str, Any]) -> bool:
    """Whether a row is within its tolerance; a peer that is not there says nothing."""
    return row["n_cases"] == 0 or row["max_difference"] <= row["tolerance"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Metrics against independent implementations.")
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=", ".join(FAMILIES))
    parser.add_argument("--quick", action="store_true", help="about ten cases a metric")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.families) - set(FAMILIES))
    if unknown:
        parser.error(f"there is no family {', '.join(unknown)}; the families are {', '.join(FAMILIES)}")
    rows: list[dict[str, Any]] = []
    print("| family | metric | against | cases | largest difference | tolerance | |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for family in options.families or FAMILIES:
        for row in rows_of(family, quick=options.quick):
            rows.append(row)
            verdict = "not there" if row["n_cases"] == 0 else "agrees" if agrees(row) else "DIFFERS"
            print(
                f"| {family} | {row['metric']} | {row['peer']} | {row['n_cases']} | "
                f"{row['max_difference']:.2g} | {row['tolerance']:.2g} | {verdict} |",
                flush=True,
            )
    explained = [f"{row['metric']} ({row['peer']}): {row['explained']}" for row in rows if row["explained"]]
    print("\nDifferences of definition:" if explained else "")
    for line in explained:
        print(f"- {line}")
    if options.json:
        text = json.dumps({"schema": SCHEMA, "quick": options.quick, "rows": rows}, indent=2)
        options.json.write_text(text, encoding="utf-8")
    return 0 if all(agrees(row) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
