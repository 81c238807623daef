"""The fingerprint: where answers come from, overriding, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from veriscope.errors import InputError
from veriscope.validate.fingerprint.items import NUMBERS, Fingerprint


def test_answers_keep_their_source() -> None:
    fingerprint = Fingerprint(tubular=True, touching=True, measured=frozenset({"touching"}))

    assert fingerprint.source("tubular") == "said"
    assert fingerprint.source("touching") == "measured"
    assert fingerprint.source("small_structures") == "assumed"


def test_sources_survive_writing_and_reading() -> None:
    fingerprint = Fingerprint(tubular=True, touching=True, measured=frozenset({"touching"}))

    assert Fingerprint.model_validate_json(fingerprint.model_dump_json()) == fingerprint


def test_overriding_says_and_leaves_the_rest() -> None:
    before = Fingerprint(tubular=True, touching=True, measured=frozenset({"touching"}))
    after = before.override(touching=False, category="semantic")

    assert (after.touching, after.category, after.tubular) == (False, "semantic", True)
    assert [after.source(item) for item in ("touching", "category", "tubular")] == ["said"] * 3
    assert before.touching and before.source("touching") == "measured"


def test_a_fingerprint_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Fingerprint().tubular = True  # type: ignore[misc]


def test_wrong_answers_are_listed_together() -> None:
    with pytest.raises(InputError) as caught:
        Fingerprint().override(tubluar=True, classes="many")

    lines = str(caught.value).splitlines()
    assert lines[:3] == [
        "the fingerprint: wrong options",
        "  - classes: Input should be 'one', 'unordered' or 'ordinal' (got 'many')",
        "  - tubluar: Extra inputs are not permitted (got True)",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"measured": ["sizes"]}, "there are no items sizes"),
        ({"measured": ["tubular"], "said": ["tubular"]}, "either measured or said, not both: tubular"),
    ],
)
def test_sources_must_fit_the_items(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Fingerprint.parse(values, where="study.yaml")

    assert f"  - {message}\n" in str(caught.value)


@pytest.mark.parametrize("item", Fingerprint.items())
def test_items_are_described_in_one_sentence(item: str) -> None:
    sentence = Fingerprint.describe(item)

    assert ". " not in sentence and len(sentence) > 20
    assert (f"({NUMBERS[item]})" in sentence) if item in NUMBERS else "FP" not in sentence


def test_numbers_belong_to_items() -> None:
    assert set(NUMBERS) <= set(Fingerprint.items())
