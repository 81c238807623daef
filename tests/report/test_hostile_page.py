"""Whatever a name, a warning or a path holds, the page shows it as text: nothing runs and nothing breaks."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from veriscope.report.html import render_html

from .cases import bare_record, full_record

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "breaks out of an attribute": '" onmouseover="alert(1)" x="',
    "breaks out of a single quote": "' onload='alert(1)",
    "ends the style": "</style><img src=x onerror=alert(1)>",
    "ends the drawing": "</svg></title><iframe src=//example.org>",
    "is a comment": "<!-- hidden --><b>",
    "is a section": "<![CDATA[ <b>x</b> ]]>",
    "is a template": "{{ 7 * 7 }} {% raw %} {# x #}",
    "is an address": "javascript:alert(1)",
    "looks like a DOI": 'doi:10.1000/"><script>alert(1)</script>',
    "is escaped already": "&lt;script&gt; &amp;amp;",
    "has control characters": "a\u0000b\u0008c\u001b[31m\u202e",
}
KEPT = {
    "schema", "verdict", "status", "kind", "scope", "evidence", "rank", "picture", "figure", "created",
    "sha256",
}  # fmt: skip


def spoilt(value: Any, payload: str, key: str = "") -> Any:
    """The record with a payload before every text, and in the names of parameters and packages."""
    if isinstance(value, dict):
        named = key in {"parameters", "packages", "groups"}
        return {
            f"{payload}{name}" if named else name: spoilt(item, payload, name) for name, item in value.items()
        }
    if isinstance(value, list):
        return [spoilt(item, payload, "" if isinstance(item, dict) else key) for item in value]
    return f"{payload}{value}" if isinstance(value, str) and key not in KEPT else value


class Elements(HTMLParser):
    """Names and attributes of all elements, and what can be read."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text += data


PLAIN = Elements(render_html(full_record()))


@pytest.fixture(scope="module", params=list(PAYLOADS), ids=list(PAYLOADS))
def attacked(request: pytest.FixtureRequest) -> tuple[str, str, Elements]:
    payload = PAYLOADS[request.param]
    page = render_html(spoilt(full_record(), payload))
    return payload, page, Elements(page)


def test_the_page_has_the_elements_it_has_without(attacked: tuple[str, str, Elements]) -> None:
    """An address after `doi:` may become a link, and a name may need a hint; no other element is added."""
    _, _, found = attacked
    assert set(found.tags) <= set(PLAIN.tags)
    assert {name for name, _ in found.attributes} <= {name for name, _ in PLAIN.attributes}
    assert found.comments == PLAIN.comments
    for tag in ("style", "img", "h1", "h2", "section", "table"):
        assert found.tags.count(tag) == PLAIN.tags.count(tag), tag


def test_no_attribute_runs_or_loads_anything(attacked: tuple[str, str, Elements]) -> None:
    _, _, found = attacked
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    for name, value in found.attributes:
        if name == "src":
            assert value.startswith("data:image/png;base64,")
        if name in ("href", "xlink:href"):
            assert value.startswith(("#", "https://doi.org/10."))
            assert not re.search(r"[\s<>\"']", value)


def test_what_was_given_can_be_read(attacked: tuple[str, str, Elements]) -> None:
    payload, page, found = attacked
    if not payload.startswith(("a\u0000", "doi:")):  # control characters are marked, DOIs are links
        assert f"{payload}Does the compound lower the number of nuclei?" in found.text
        assert f"{payload}nucleus" in unescape(page) or f"{payload}nuclei" in unescape(page)
    assert "49 {%" not in page, "templates in texts are not rendered"
    assert "</html>" in page and page.count("<html") == 1


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_a_study_with_next_to_nothing_is_as_safe(payload: str) -> None:
    plain, found = (Elements(render_html(r)) for r in (bare_record(), spoilt(bare_record(), payload)))
    assert set(found.tags) <= set(plain.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]


@pytest.mark.parametrize(
    "citation",
    [
        "doi:10.1000/a<b>c",
        "https://doi.org/10.1000/x?y=<script>",
        "DOI: 10.1000/a'b\"c;d,e.",
        "https://dx.doi.org/10.1234/abc.def.",
        "doi:10.1/too-short doi:11.1000/x",
    ],
)
def test_links_of_citations_hold_nothing_but_the_identifier(citation: str) -> None:
    record = full_record()
    for candidate in record["candidates"]:
        candidate["citation"] = citation
    links = [value for name, value in Elements(render_html(record)).attributes if name == "href"]
    outside = {link for link in links if not link.startswith("#")}
    assert all(re.fullmatch(r"https://doi\.org/10\.\d{4,9}/[^\s<>\"',;]+", link) for link in outside)
    assert not any(link.endswith(".") for link in outside)
