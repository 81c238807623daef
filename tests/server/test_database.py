"""Tables in a file and on a real PostgreSQL server: the same jobs, sessions and accounts in both."""

from __future__ import annotations

import contextlib
import gc
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.server.conftest import Running

from veriscope.errors import InputError, MissingPackageError
from veriscope.server.access.accounts import Accounts
from veriscope.server.access.sessions import Identity, Sessions
from veriscope.server.database import Cursor, Database, StorageError, is_address
from veriscope.server.jobs.table import _TEXT, JobTable


def programs() -> Path | None:
    """Folder of PostgreSQL's programs, which Debian keeps off the path."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return places[-1] if places else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server of this test run alone."""
    pytest.importorskip("psycopg")
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL; install it (Debian: postgresql)")
    as_root = os.getuid() == 0  # PostgreSQL refuses to run as root
    user: dict[str, Any] = {}
    if as_root:
        try:
            entry = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    base = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    if as_root:
        shutil.chown(base, "postgres")
    data = base / "data"
    subprocess.run(
        [folder / "initdb", "-D", data, "-A", "trust", "-U", "veriscope", "--no-sync", "-E", "UTF8"],
        check=True, capture_output=True, cwd="/", **user,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    process = subprocess.Popen(
        [folder / "postgres", "-D", data, "-p", str(port), *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **user,
    )  # fmt: skip
    address = f"postgresql://veriscope:secret@127.0.0.1:{port}/postgres"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(InputError):
            Database(address).close()
            break
        time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(30)
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where the tables are: a new file, or the server, emptied."""
    if request.param == "sqlite":
        return tmp_path / "tables.sqlite"
    address: str = request.getfixturevalue("postgres")
    with contextlib.closing(Database(address)) as database:
        for table in ("jobs", "sessions", "accounts", "things"):
            database.run(lambda cursor, table=table: cursor.change(f"DROP TABLE IF EXISTS {table}"))
    return address


@pytest.fixture
def database(place: str | Path) -> Iterator[Database]:
    with contextlib.closing(Database(place)) as found:
        found.run(lambda cursor: cursor.change(f"CREATE TABLE things (n {found.number_column}, word TEXT)"))
        yield found


def words(database: Database) -> list[str]:
    rows = database.run(lambda cursor: cursor.rows("SELECT word FROM things ORDER BY n"))
    return [row["word"] for row in rows]


def add(cursor: Cursor, word: str) -> int:
    return cursor.change("INSERT INTO things (word) VALUES (?)", (word,))


def test_what_fails_half_way_is_taken_back(database: Database) -> None:
    assert database.run(lambda cursor: add(cursor, "kept")) == 1

    def half(cursor: Cursor) -> None:
        add(cursor, "lost")
        raise KeyError("in between")

    with pytest.raises(KeyError):
        database.run(half)
    with pytest.raises(StorageError, match="nothere"):
        database.run(lambda cursor: (add(cursor, "lost too"), cursor.rows("SELECT * FROM nothere")))
    assert words(database) == ["kept"]


@pytest.mark.parametrize("word", ["O'Brien", '"; DROP TABLE things; --', "100 %s ? ü", ""])
def test_values_are_values(database: Database, word: str) -> None:
    database.run(lambda cursor: add(cursor, word))
    assert words(database) == [word]
    found = database.run(lambda cursor: cursor.rows("SELECT word FROM things WHERE word = ?", (word,)))
    assert found == [{"word": word}]


def test_many_threads_lose_nothing(database: Database) -> None:
    def work(thread: int) -> None:
        for number in range(25):
            database.run(lambda cursor, number=number: add(cursor, f"{thread}.{number}"))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(words(database))) == 200


def test_a_connection_that_was_ended_is_opened_anew(postgres: str) -> None:
    with contextlib.closing(Database(postgres)) as ours, contextlib.closing(Database(postgres)) as other:
        mine = ours.run(lambda cursor: cursor.rows("SELECT pg_backend_pid() AS pid"))[0]["pid"]
        other.run(lambda cursor: cursor.rows("SELECT pg_terminate_backend(?)", (mine,)))
        assert ours.run(lambda cursor: cursor.rows("SELECT 1 AS one")) == [{"one": 1}]


def test_addresses_that_lead_nowhere_are_named_without_their_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(InputError) as caught:
        Database("postgresql://me:hidden@127.0.0.1:1/nothing")
    assert "postgresql://me@127.0.0.1:1/nothing: does not answer" in str(caught.value)
    assert "hidden" not in str(caught.value)
    with pytest.raises(InputError, match=r"mysql://me@host/x: is no database that can be used"):
        Database("mysql://me:hidden@host/x")


def test_without_the_driver_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'veriscope\[postgres\]'"):
        Database("postgresql://me@host/x")


@pytest.mark.parametrize(
    ("text", "holds"),
    [("postgresql://a@b/c", True), ("accounts.sqlite", False), ("/data/x", False), ("C:\\x.sqlite", False)],
)
def test_an_address_is_told_from_a_file(text: str, holds: bool) -> None:
    assert is_address(text) is holds


def test_jobs_of_two_servers_in_one_database_stay_apart(place: str | Path) -> None:
    with contextlib.closing(Database(place)) as database:
        first, second = JobTable(database, "/a"), JobTable(database, "/b")
        mine, is_new = first.add("run", "s", {"only": None}, "anna")
        assert is_new and first.add("run", "s", {"only": None}, "ben") == (mine, False)
        theirs, is_new = second.add("run", "s", {"only": None}, "ben")
        assert is_new and theirs.id != mine.id
        first.update(mine.id, state="running", attempts=1, done=3, result={"text": "it's 5 %"})
        assert second.resume() == [] and [job.id for job in second.listed()] == [theirs.id]
        assert second.find(mine.id) is None
        assert [(job.id, job.state, job.result) for job in first.resume()] == [
            (mine.id, "queued", {"text": "it's 5 %"})
        ]
    with contextlib.closing(Database(place)) as database:
        again = JobTable(database, "/a")
        assert again.listed(is_active=True)[0].done == 3 and again.request_of(mine.id) == {"only": None}


def test_a_table_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    columns = [*_TEXT, "request"]
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        texts = ", ".join(f'"{name}" TEXT' for name in columns)
        old.execute(
            f"CREATE TABLE jobs (number INTEGER PRIMARY KEY, {texts}, done INTEGER, total INTEGER, "
            "attempts INTEGER)"
        )
        old.execute(
            'INSERT INTO jobs (id, kind, study, state, "by", submitted, stage, request, done, total, '
            "attempts) VALUES ('x', 'run', 's', 'queued', 'me', 'now', '', '{}', 0, 0, 0)"
        )
    with contextlib.closing(Database(path)) as database:
        assert [job.id for job in JobTable(database).listed()] == ["x"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_a_session_outlives_the_server(place: str | Path, clock: list[float]) -> None:
    with contextlib.closing(Database(place)) as database:
        key = Sessions(1, database, "token").begin(Identity("anna", "viewer"), "stamp")
    with contextlib.closing(Database(place)) as database:
        sessions = Sessions(1, database, "token")
        assert sessions.find(key) == (Identity("anna", "viewer"), "stamp")
        assert Sessions(1, database, "accounts").find(key) is None
        for wrong in ("", "forged", key[:-1], "\ud800"):
            assert sessions.find(wrong) is None
        sessions.end(key)
        assert sessions.find(key) is None and Sessions(1, database, "token").find(key) is None


def test_the_key_of_a_session_is_not_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    with contextlib.closing(Database(path)) as database:
        key = Sessions(1, database).begin(Identity("anna", "viewer"))
    assert key.encode() not in path.read_bytes()


def test_a_session_ends_when_it_is_not_used(place: str | Path, clock: list[float]) -> None:
    with contextlib.closing(Database(place)) as database:
        sessions = Sessions(1, database)
        key, other = (sessions.begin(Identity(name, "viewer")) for name in ("anna", "ben"))
        for _ in range(3):
            clock[0] += 3000
            assert sessions.find(key) is not None
        assert sessions.find(other) is None  # not used for 9000 s
        later = Sessions(1, database)  # a server started anew knows that it was used
        clock[0] += 3000
        assert later.find(key) is not None
        clock[0] += 3601
        assert later.find(key) is None
        sessions.begin(Identity("new", "viewer"))
        kept = database.run(lambda cursor: cursor.rows("SELECT person FROM sessions"))
        assert kept == [{"person": "new"}]


def test_all_can_be_signed_out(place: str | Path) -> None:
    with contextlib.closing(Database(place)) as database:
        mine, others = Sessions(1, database, "a"), Sessions(1, database, "b")
        first, second, third = (
            mine.begin(Identity("x", "owner")), mine.begin(Identity("y", "owner")),
            others.begin(Identity("z", "owner")),
        )  # fmt: skip
        mine.end_all()
        assert mine.find(first) is None and mine.find(second) is None and others.find(third) is not None


def test_accounts_in_both_kinds_of_table(place: str | Path) -> None:
    kept = Accounts(place)
    kept.add("ben", "long enough it is", "viewer")
    kept.add("anna", "long enough it is", "annotator")
    assert list(kept.listed().items()) == [("anna", "annotator"), ("ben", "viewer")]
    found = kept.check("anna", "long enough it is")
    assert found is not None and found[0] == Identity("anna", "annotator")
    assert kept.check("anna", "wrong, but as long") is None and kept.check("nobody", "x") is None
    present = kept.present("anna")
    assert present is not None and (present.role, present.stamp) == ("annotator", found[1])
    kept.add("anna", "another long password", "owner")
    changed = kept.check("anna", "another long password")
    assert changed is not None and changed[0].role == "owner" and changed[1] != found[1]
    kept.remove("anna")
    with pytest.raises(InputError, match="there is no account 'anna'"):
        kept.remove("anna")
    kept.close()


def test_a_server_keeps_its_tables_in_postgres(
    postgres: str, workspace: Path, launch: Callable[..., Running]
) -> None:
    with contextlib.closing(Database(postgres)) as database:
        for table in ("jobs", "sessions", "accounts"):
            database.run(lambda cursor, table=table: cursor.change(f"DROP TABLE IF EXISTS {table}"))
    people = Accounts(postgres)
    people.add("otto", "password of otto", "owner")
    running = launch(workspace, token=None, accounts=postgres, database=postgres)
    otto = running.client(sign_in=False)
    assert otto.post("/api/session", json={"user": "otto", "password": "no"}).status_code == 401
    given = {"user": "otto", "password": "password of otto"}
    assert otto.post("/api/session", json=given).json()["role"] == "owner"
    job = otto.post("/api/studies/small/jobs", json={"kind": "report"}).json()
    assert not (workspace / ".veriscope" / "jobs.sqlite").exists()
    cookies = dict(otto.cookies)
    running.stop()

    again = launch(workspace, token=None, accounts=postgres, database=postgres)
    back = again.client(sign_in=False)
    for value in cookies.values():  # the name holds the port, which is another here
        back.cookies.set(f"veriscope-{again.settings.port}", value)
    assert back.get("/api/session").json()["user"] == "otto"
    assert back.get("/api/jobs").json()[0]["id"] == job["id"]
    people.remove("otto")
    people.close()
    until = time.monotonic() + 20
    while back.get("/api/studies").status_code != 401 and time.monotonic() < until:
        time.sleep(0.1)
    assert back.get("/api/studies").status_code == 401


def test_a_file_that_is_forgotten_is_closed_even_while_the_driver_of_postgres_is_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = Database(tmp_path / "a.sqlite")
    connection = forgotten._connection
    monkeypatch.setitem(sys.modules, "psycopg", ModuleType("psycopg"))
    del forgotten
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
