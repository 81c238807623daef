"""The page about choosing metrics names every item, every pitfall and every metric that can be chosen."""

from __future__ import annotations

from pathlib import Path

from veriscope.validate.fingerprint.choices import METRICS_OF
from veriscope.validate.fingerprint.items import CATEGORIES, Fingerprint
from veriscope.validate.fingerprint.pitfalls import PITFALLS

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "choosing-metrics.md"


def test_the_page_is_complete() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [f"| `{item}` | {Fingerprint.describe(item)} |" for item in Fingerprint.items()]
    rows += [f"| {each.group} | {each.explanation} | {each.example} |" for each in PITFALLS.values()]
    rows += [f"`{key}`" for keys in METRICS_OF.values() for key in keys]

    assert not [row for row in [*rows, *CATEGORIES] if row not in text]
