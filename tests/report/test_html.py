"""The page: complete, self-contained, honest about what is missing, and safe with hostile text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from veriscope.errors import InputError
from veriscope.report.html import ANCHORS, render_html
from veriscope.report.wording import VERDICTS

from .cases import bare_record, full_record, hostile_record

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page and remembers its elements, ids, text, and whether every element was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
        elif self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.elements if attribute in attributes]

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


@pytest.fixture(params=["full", "bare", "hostile"])
def page(request: pytest.FixtureRequest) -> Page:
    records = {"full": full_record, "bare": bare_record, "hostile": hostile_record}
    return Page(render_html(records[request.param]()))


def test_every_element_is_closed_and_every_id_is_unique(page: Page) -> None:
    ids = page.values("id")

    assert page.faults == []
    assert sorted(set(ids)) == sorted(ids)


def test_every_anchor_is_there_and_every_inner_link_leads_somewhere(page: Page) -> None:
    ids = set(page.values("id"))
    inner = {link[1:] for link in page.values("href") if link.startswith("#")}
    named = {word for words in page.values("aria-labelledby") for word in words.split()}

    always = set(ANCHORS) - {"tab-estimate"}
    assert always <= ids
    assert inner <= ids
    assert named <= ids


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(page: Page) -> None:
    assert not page.tags() & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    outside = {link for link in page.values("href") if not link.startswith("#")}
    assert outside and all(link.startswith("https://doi.org/10.") for link in outside)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_missing_numbers_are_never_written_as_nan_or_none(page: Page) -> None:
    assert not re.search(r"\b(nan|NaN|None|inf|null)\b", page.text)


def test_the_page_says_every_number_of_the_answer() -> None:
    text = Page(render_html(full_record())).text.replace("\u202f", "")

    for number in ("9932", "9122–10743", "7421", "6902–7940"):  # corrected, with intervals
        assert number in text
    for number in ("9072", "7188", "3120", "−8.7%"):  # the model alone
        assert number in text
    for number in ("9400 (5300–13500)", "7010 (3960–10060)"):  # labels alone
        assert number in text
    for number in ("9850", "7388", "3530", "veriscope simulate, seed 11"):
        assert number in text
    for number in ("−209", "−289 to −129", "0.747", "0.667–0.837", "<0.001", "0.042"):  # contrasts
        assert number in text
    for number in ("0.912", "0.888–0.936", "2 min 44 s", "0.066 (0.021–0.111)"):  # candidates
        assert number in text


def test_cannot_tell_stands_where_a_number_would() -> None:
    html = render_html(full_record())

    assert html.count('class="big"') == 2
    assert html.count('class="big cannot"') == 1
    text = Page(html).text
    assert "4 audited tiles, 2 of them with objects, are too few for an interval." in text
    assert "about 14 more audited tiles would probably suffice" in text
    assert "Not run: needs 4 annotated tiles" in text


def test_truth_inside_and_outside_the_interval_is_said() -> None:
    record = full_record()
    record["truth"]["groups"]["control"] = 12000.0
    text = Page(render_html(record)).text

    assert "outside the interval" in text
    assert text.count("inside the interval") == 1
    without = Page(render_html({**record, "truth": None, "methods_text": ""})).text
    assert "simulate" not in without
    assert "Truth" not in without


def test_the_truth_is_not_called_simulated_where_people_drew_it() -> None:
    """The page of real images with references used to say that they were simulated."""
    record = full_record()
    record["truth"]["source"] = "known because every image has a reference"
    page = render_html(record)

    assert "simulated" not in page
    assert page.count("known because every image has a reference") == 3 + 1  # cards, figure
    assert "source not stated" in render_html({**record, "truth": {**record["truth"], "source": ""}})


@pytest.mark.parametrize("verdict", list(VERDICTS))
def test_every_verdict_has_its_words(verdict: str) -> None:
    record = full_record()
    record["verdict"]["verdict"] = verdict
    page = Page(render_html(record))

    assert VERDICTS[verdict].headline in page.text
    assert VERDICTS[verdict].meaning in page.text
    assert any(f"verdict-{verdict}" in classes.split() for classes in page.values("class"))


def test_reasons_link_to_figures_that_exist_and_to_no_others() -> None:
    record = full_record()
    record["verdict"]["reasons"] = [
        {"check": "a", "status": "holds", "text": "A.", "figure": "fig-agreement"},
        {"check": "b", "status": "fails", "text": "B.", "figure": "fig-nowhere"},
    ]
    html = render_html(record)

    assert html.count('href="#fig-agreement"') == 2  # the contents' own link is the other
    assert "fig-nowhere" not in html


def test_of_many_metrics_the_main_ones_are_tabled_and_all_are_told() -> None:
    record = full_record()
    metrics = record["candidates"][0]["metrics"]
    names = ("precision", "recall", "mean_matched_iou", "ap")
    for index, key in enumerate(f"{name}@{level}" for name in names for level in (0.5, 0.7, 0.9)):
        metrics[key] = {"value": 0.5 + index / 1000, "low": None, "high": None}
    html = render_html(record)
    table = html[html.index('id="tab-candidates"') : html.index('id="fig-metrics"')]

    assert table.count('<th scope="col" class="n">') == 5 + 2  # objects and time
    assert "Recall at IoU 0.9 0.505" in Page(html).text
    assert "no interval" in table


def test_evidence_levels_are_beside_the_numbers() -> None:
    page = Page(render_html(full_record()))
    chips = [classes for classes in page.values("class") if classes.startswith("chip ")]

    assert len(chips) >= 3 + 3 + 5  # cards, rows of the answer, candidates
    assert "chip chip-untested" in chips


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    html = render_html(hostile_record())

    assert "<script" not in html.lower()
    page = Page(html)
    assert "<script>alert('x')</script>\"'&compound-screen" in page.text


def test_a_doi_becomes_a_link_and_other_addresses_do_not() -> None:
    record = full_record()
    record["candidates"][0]["citation"] = (
        "A (2020). https://doi.org/10.1000/x-1, javascript:alert(1) https://example.org/a "
        "doi:10.1016/S0140-6736(86)90837-8."
    )
    links = Page(render_html(record)).values("href")

    assert "https://doi.org/10.1000/x-1" in links
    assert "https://doi.org/10.1016/S0140-6736(86)90837-8" in links
    assert not any("example.org" in link or "javascript" in link for link in links)


def test_the_same_record_gives_the_same_page() -> None:
    assert render_html(full_record()) == render_html(full_record())


def test_a_picture_from_elsewhere_is_refused() -> None:
    record: dict[str, Any] = full_record()
    record["tiles"][0]["picture"] = "https://example.org/tracker.png"

    with pytest.raises(InputError) as caught:
        render_html(record)

    assert str(caught.value) == (
        "the report's record has 1 value that does not fit 'veriscope/report/1':\n"
        "  - tiles.0.picture: String should match pattern '^data:image/png;base64,[A-Za-z0-9+/=]+$'\n"
        "Make the record anew with `veriscope report STUDY`"
    )


def test_cost_is_shown_with_what_the_estimate_assumes() -> None:
    text = " ".join(Page(render_html(full_record())).text.split())

    assert "took 6 min 54 s and, by estimate, about 2 Wh of electricity and about 1 g CO2." in text
    for cell in ("144", "6 min 52 s", "6 min 36 s", "812 MB", "76 MB", "3.2 MB"):
        assert cell in text
    assert "1 step by an older version: only the time is known." in text
    assert "power of the centre: 1.56 (a survey; VERISCOPE_PUE)" in text
    assert "carbon intensity: 445 g CO2/kWh (world average of 2024)" in text
    assert "No step was recorded." in Page(render_html(bare_record())).text


def test_cost_without_processor_time_gives_no_estimate() -> None:
    record = full_record()
    record["cost"] = {
        "total": {"wall_s": 9.0, "n_unmeasured": 2},
        "steps": [{"step": "predict", "wall_s": 9.0}],
    }
    page = Page(render_html(record)).text

    assert "9.0 s. The hours" in page
    assert "by estimate" not in page
    assert "2 steps by an older version" in page
