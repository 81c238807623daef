"""The page about these checks keeps up with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from veriscope.validate.application.report import ApplicationReport

PAGE = Path(__file__).resolve().parents[3] / "docs" / "concepts" / "does-the-biology-survive.md"


def example() -> ApplicationReport:
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    report = names["report"]
    assert isinstance(report, ApplicationReport)
    return report


def test_the_example_runs_and_holds() -> None:
    report = example()
    assert report.comparison_status == "holds"
    assert report.check("effect").sentence.startswith("treated differs from control by ")


def test_every_check_stands_on_the_page() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == [check.name for check in example().checks]
