"""Accounts of a laboratory: names, passwords, roles, and a file that is exchanged under the server."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from veriscope.errors import InputError
from veriscope.server.access import accounts as module
from veriscope.server.access.accounts import Accounts
from veriscope.server.access.sessions import ROLES, Identity

GOOD = "correct horse battery"


@pytest.fixture(scope="module", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Hash with little work: what is tested is not how hard guessing is."""
    from argon2 import PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def kept(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "accounts of lab ü.sqlite")


@pytest.mark.parametrize("name", ["a", "Anna", "anna.b-c_d", "0", "x" * 64])
def test_names(kept: Accounts, name: str) -> None:
    kept.add(name, GOOD, "viewer")
    assert kept.listed() == {name: "viewer"}
    assert kept.check(name, GOOD) is not None


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", ".a", "-a", "_a", "a\n", "a/b", "ü", "a@b", "x" * 65, "a'; DROP TABLE accounts;--"],
)
def test_names_that_are_refused(kept: Accounts, name: str) -> None:
    with pytest.raises(InputError) as caught:
        kept.add(name, GOOD, "viewer")
    assert str(caught.value) == f"account {name!r}: use letters, digits, . _ and -, 64 at most"
    assert kept.listed() == {}


def test_short_passwords_and_unknown_roles_are_refused(kept: Accounts) -> None:
    with pytest.raises(InputError, match=r"^the password has 9 characters; give 10 or more$"):
        kept.add("a", "x" * 9, "viewer")
    with pytest.raises(InputError, match=r"^role 'admin' is not known; roles are: viewer, annotator, owner$"):
        kept.add("a", GOOD, "admin")  # type: ignore[arg-type]
    assert kept.listed() == {}


@pytest.mark.parametrize(
    "password", [GOOD, "ü" * 10, "漢字" * 5, " spaces around ", "x" * 5000, "nul\0inside it"]
)
def test_a_password_is_checked_to_its_last_character(kept: Accounts, password: str) -> None:
    kept.add("a", password, "owner")
    found = kept.check("a", password)
    assert found is not None
    assert found[0] == Identity("a", "owner")
    for other in (password[:-1], password + " ", password.upper() + "x", ""):
        assert kept.check("a", other) is None
    assert kept.check("A", password) is None  # names are exact
    assert kept.check("b", password) is None


def test_two_people_of_one_password_do_not_look_alike(kept: Accounts) -> None:
    kept.add("a", GOOD, "viewer")
    kept.add("b", GOOD, "viewer")
    one, two = kept.present("a"), kept.present("b")
    assert one is not None
    assert two is not None
    assert one.stamp != two.stamp


def test_the_same_password_given_again_is_a_new_one(kept: Accounts) -> None:
    kept.add("a", GOOD, "viewer")
    before = kept.present("a")
    kept.add("a", GOOD, "owner")
    after = kept.present("a")
    assert before is not None
    assert after is not None
    assert (before.role, after.role) == ("viewer", "owner")
    assert before.stamp != after.stamp  # sessions of before end
    assert kept.listed() == {"a": "owner"}


def test_nothing_of_a_password_is_in_the_file(kept: Accounts, tmp_path: Path) -> None:
    kept.add("a", GOOD, "viewer")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert GOOD.encode() not in content
    assert b"argon2" in content


def test_before_the_first_account_there_is_nobody(kept: Accounts) -> None:
    assert kept.present("a") is None
    assert kept.check("a", GOOD) is None
    assert kept.listed() == {}


def test_a_file_that_is_exchanged_counts_at_once(tmp_path: Path) -> None:
    path, other = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    kept = Accounts(path)
    kept.add("anna", GOOD, "owner")
    assert kept.present("anna") is not None
    Accounts(other).add("ben", GOOD, "viewer")
    os.utime(other, (10, 10))  # also one that is older
    shutil.move(other, path)
    assert kept.present("anna") is None
    ben = kept.present("ben")
    assert ben is not None
    assert ben.role == "viewer"
    path.unlink()
    assert kept.present("ben") is None


def test_an_account_with_a_broken_hash_gets_nobody_in(kept: Accounts, tmp_path: Path) -> None:
    kept.add("a", GOOD, "owner")
    with sqlite3.connect(next(tmp_path.iterdir())) as file:
        file.execute("UPDATE accounts SET hash = ?", (GOOD,))
    file.close()
    assert kept.check("a", GOOD) is None


@pytest.mark.parametrize("content", [b"name,password\nanna,secret\n", b"\0" * 5000])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        Accounts(path).add("a", GOOD, "owner")
    assert str(caught.value) == f"{path}: is no file of accounts; choose another"
    assert path.read_bytes() == content


def test_each_role_may_what_those_below_it_may() -> None:
    assert {
        (have, need): Identity("x", have).may(need) for have in ROLES for need in ROLES
    } == {
        ("viewer", "viewer"): True, ("viewer", "annotator"): False, ("viewer", "owner"): False,
        ("annotator", "viewer"): True, ("annotator", "annotator"): True, ("annotator", "owner"): False,
        ("owner", "viewer"): True, ("owner", "annotator"): True, ("owner", "owner"): True,
    }  # fmt: skip
