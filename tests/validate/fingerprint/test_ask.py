"""Only questions whose answer changes the advice are asked."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.validate.fingerprint.ask import allowed_answers, check_answers, open_items
from veriscope.validate.fingerprint.items import CATEGORIES, Fingerprint
from veriscope.validate.fingerprint.measured import measure_fingerprint
from veriscope.validate.fingerprint.recommend import recommend


@pytest.mark.parametrize(
    ("item", "answers"),
    [
        ("tubular", (False, True)),
        ("boundary_errors", ("share", "average", "worst")),
        ("category", (*CATEGORIES, None)),
    ],
)
def test_answers_that_an_item_may_have(item: str, answers: tuple[object, ...]) -> None:
    assert allowed_answers(item) == answers


def shown(fingerprint: Fingerprint) -> tuple[object, ...]:
    """What a user acts upon."""
    advice = recommend(fingerprint)
    return advice.category, advice.keys, tuple(choice.key for choice in advice.criteria)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_open_item_matters_and_every_other_does_not(category: str) -> None:
    fingerprint = Fingerprint(category=category)  # type: ignore[arg-type]
    before = shown(fingerprint)
    asked = open_items(fingerprint)
    assert "category" not in asked
    for item in set(Fingerprint.items()) - {"category"}:
        changed = {shown(fingerprint.override(**{item: answer})) for answer in allowed_answers(item)} != {
            before
        }
        assert (item in asked) == changed, item


def test_what_is_measured_or_said_is_not_asked() -> None:
    labels = np.zeros((40, 40), np.uint16)
    labels[2:14, 2:14], labels[14:26, 2:14] = 1, 2
    fingerprint = measure_fingerprint([labels], category="instance", boundaries_matter=False)
    asked = open_items(fingerprint)
    assert {"touching", "small_structures", "boundaries_matter"}.isdisjoint(asked)
    assert {"costlier_error", "tubular"} <= set(asked)


def test_an_answer_can_open_a_question() -> None:
    closed = Fingerprint(category="semantic", boundaries_matter=False)
    opened = closed.override(boundaries_matter=True)
    assert "boundary_errors" not in open_items(closed)
    assert "boundary_errors" in open_items(opened)


def test_without_a_category_the_questions_that_lead_to_one_are_asked() -> None:
    assert {"whole_image_label", "instances_matter", "shape_needed"} <= set(open_items(Fingerprint()))


def test_a_full_fingerprint_leaves_nothing_to_ask() -> None:
    answers = {item: getattr(Fingerprint(), item) for item in Fingerprint.items() if item != "category"}
    assert open_items(Fingerprint(category="instance", **answers)) == ()


def refused(answers: dict[str, object]) -> str:
    with pytest.raises(InputError) as caught:
        check_answers(answers)
    return str(caught.value)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"tubular": True, "touching": False},
        {"category": None},
        {"category": "tracking", "boundary_errors": "worst", "decision": "not yet"},
        {item: getattr(Fingerprint(), item) for item in Fingerprint.items()},
    ],
    ids=["none", "yes and no", "no category", "words", "all as assumed"],
)
def test_answers_that_are_allowed_pass(answers: dict[str, object]) -> None:
    check_answers(answers)
    Fingerprint(**answers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"tubluar": True}, "there is no item 'tubluar'; did you mean tubular?"),
        ({"tubular": "maybe"}, "tubular: 'maybe' is no answer; use no, yes"),
        (
            {"boundary_errors": "largest"},
            "boundary_errors: 'largest' is no answer; use share, average, worst",
        ),
        (
            {"category": "counting"},
            "category: 'counting' is no answer; use classification, semantic, detection, instance, "
            "restoration, tracking, null",
        ),
        ({"classes": True}, "classes: True is no answer; use one, unordered, ordinal"),
        ({"tubular": None}, "tubular: None is no answer; use no, yes"),
    ],
)
def test_an_answer_that_is_none_is_told_with_those_that_are(answers: dict[str, object], message: str) -> None:
    assert refused(answers) == message


def test_an_item_like_no_other_is_told_with_all_items() -> None:
    message = refused({"x": 1})
    assert message == f"there is no item 'x'; the items are {', '.join(Fingerprint.items())}"
    assert "measured" not in message.split("; ")[1].split(", ")


def test_all_wrong_answers_are_told_together() -> None:
    assert refused({"tubluar": True, "touching": True, "classes": "many"}) == (
        "2 answers cannot be taken:\n"
        "  - there is no item 'tubluar'; did you mean tubular?\n"
        "  - classes: 'many' is no answer; use one, unordered, ordinal"
    )


@pytest.mark.parametrize("item", Fingerprint.items())
def test_every_answer_that_is_allowed_can_be_given_and_is_in_the_list(item: str) -> None:
    answers = allowed_answers(item)
    assert len(set(answers)) == len(answers) >= 2
    for answer in answers:
        assert getattr(Fingerprint(**{item: answer}), item) == answer  # type: ignore[arg-type]
    assert getattr(Fingerprint(), item) in answers
