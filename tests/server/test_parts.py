"""Addresses, tags and conditions that all routes share."""

from __future__ import annotations

import threading
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.server.locks import Locks
from veriscope.server.parts import check_match, etag_of, files_url, unquote_etag, url
from veriscope.server.problems import ProblemError
from veriscope.server.settings import Limits, ServerSettings

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@given(st.lists(TEXT.filter(bool), min_size=1, max_size=5))
def test_any_names_can_be_parts_of_an_address(parts: list[str]) -> None:
    found = url(*parts)
    assert found.isascii() and found.startswith("/")
    assert [unquote(part) for part in found[1:].split("/")] == parts
    assert not set(found) & set(" ?#&;=\\\"'<>\n")
    assert files_url(*parts) == url("files", *parts)


@given(st.lists(st.one_of(TEXT, st.binary(max_size=30)), max_size=4))
def test_the_same_content_has_the_same_tag(content: list[str | bytes]) -> None:
    tag = etag_of(*content)
    assert tag == etag_of(*content)
    assert tag[0] == tag[-1] == '"' and tag[1:-1].isalnum() and len(tag) == 26
    assert etag_of(*content, "more") != tag


@given(TEXT.filter(lambda text: "\0" not in text), TEXT.filter(lambda text: "\0" not in text))
def test_where_one_part_ends_counts(first: str, second: str) -> None:
    whole = etag_of(first + second)
    assert etag_of(first, second) != whole
    if first != second:
        assert etag_of(first, second) != etag_of(second, first)


def test_bytes_and_their_text_are_one_content() -> None:
    assert etag_of("ü") == etag_of("ü".encode()) != etag_of("u")


@pytest.mark.parametrize("sent", ['"abc"', 'W/"abc"', ' "abc" ', ' W/"abc"'])
def test_a_proxy_may_mark_a_tag_as_weak(sent: str) -> None:
    assert unquote_etag(sent) == '"abc"'
    check_match(sent, '"abc"')


@pytest.mark.parametrize("sent", ['"abd"', "abc", "", '"abc", "abd"', '"ABC"', 'w/"abc"'])
def test_another_version_is_refused_with_the_present_one(sent: str) -> None:
    with pytest.raises(ProblemError) as caught:
        check_match(sent, '"abc"')
    problem = caught.value.problem
    assert (problem.status, problem.etag, caught.value.headers) == (412, '"abc"', {"etag": '"abc"'})
    assert problem.detail == "Somebody else has changed this since you loaded it."


def test_no_version_at_all_is_another_fault() -> None:
    with pytest.raises(ProblemError) as caught:
        check_match(None, '"abc"')
    assert (caught.value.problem.status, caught.value.problem.etag) == (428, None)
    assert "If-Match is missing" in caught.value.problem.detail


def test_whatever_is_there_can_be_meant() -> None:
    check_match("*", '"abc"')
    check_match(" * ", '"abc"')


def test_a_lock_is_that_of_its_name() -> None:
    locks = Locks()
    assert locks.of("a") is locks.of("a")
    assert locks.of("a") is not locks.of("b")
    with locks.of("a"), locks.of("a"):  # one who holds it may go on
        taken: list[bool] = []

        def other() -> None:
            for name in ("a", "b"):
                if free := locks.of(name).acquire(blocking=False):
                    locks.of(name).release()
                taken.append(not free)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(60)
    assert taken == [True, False]


def test_all_who_ask_for_a_lock_at_once_get_the_same() -> None:
    locks, found, start = Locks(), [], threading.Barrier(8)

    def ask() -> None:
        start.wait(60)
        found.append(locks.of("study"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8 and len({id(lock) for lock in found}) == 1


@pytest.mark.parametrize("name", list(Limits.model_fields))
@pytest.mark.parametrize("value", [0, -1, float("nan"), "many", None])
def test_limits_are_above_nothing(name: str, value: object) -> None:
    with pytest.raises(Exception, match=name):
        Limits.parse({name: value}, where="limits")


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", -1), ("port", 65536), ("workers", -1), ("folder", None), ("unknown", 1), ("is_tls", "perhaps")],
)
def test_settings_that_no_server_can_have(name: str, value: object) -> None:
    with pytest.raises(Exception, match=name):
        ServerSettings.parse({"folder": "x", name: value}, where="server")


def test_a_server_answers_to_this_computer_alone_unless_told_otherwise() -> None:
    settings = ServerSettings.parse({"folder": "x"}, where="server")
    assert settings.hosts == ("127.0.0.1", "localhost", "[::1]")
    assert (settings.dev_origins, settings.roots, settings.token) == ((), (), None)
