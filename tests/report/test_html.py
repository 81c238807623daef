"""The page: complete, self-contained, honest about what is missing, and safe with hostile text."""

from __future__ import annotations

from .cases import full_record

from veriscope.report.html import render_html


def test_a_full_record_renders() -> None:
    assert "9\u202f122–10\u202f743" in render_html(full_record())
