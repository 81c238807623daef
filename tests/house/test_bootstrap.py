"""The script that makes the environment, without making one."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from repository import ROOT

import bootstrap

LISTING = """\
global.cert='/etc/certs.pem'
global.extra-index-url='file:///a/simple\\nfile:///b/simple'
global.index-url='https://global.example/simple'
install.index-url='https://install.example/simple'
:env:.index-url='https://env.example/simple'
:env:.find-links='/wheels /more-wheels'
global.disable-pip-version-check='1'
not a setting
"""


def test_uv_is_told_what_pip_is_told() -> None:
    told = bootstrap.translate_pip_config(LISTING, {"HOME": "h"})
    assert told == {
        "HOME": "h",
        "SSL_CERT_FILE": "/etc/certs.pem",
        "UV_INDEX": "file:///a/simple file:///b/simple",
        "UV_DEFAULT_INDEX": "https://env.example/simple",
        "UV_FIND_LINKS": "/wheels,/more-wheels",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_uv_keeps_what_it_was_told_itself() -> None:
    told = bootstrap.translate_pip_config(LISTING, {"UV_DEFAULT_INDEX": "mine", "SSL_CERT_FILE": "c"})
    assert (told["UV_DEFAULT_INDEX"], told["SSL_CERT_FILE"]) == ("mine", "c")


def test_without_pip_configuration_nothing_is_added() -> None:
    assert bootstrap.translate_pip_config("", {"A": "b"}) == {"A": "b"}


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (
            "OSError: [Errno 28] No space left on device",
            "the disk is full; free some space and run this again",
        ),
        (
            "error sending request: dns error: failed to lookup",
            "the package index cannot be reached; check the network, or set PIP_INDEX_URL to a mirror",
        ),
        ("something else", ""),
    ],
)
def test_known_failures_have_a_remedy(output: str, cause: str) -> None:
    assert bootstrap.cause_of(output) == cause


def fake_environment(folder: Path) -> Path:
    python = bootstrap.venv_python(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    return folder


def test_a_finished_environment_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    venv = fake_environment(tmp_path / "venv")
    bootstrap.write_stamp(venv, {"dev", "docs"})

    bootstrap.bootstrap(venv, {"dev"})

    assert capsys.readouterr().out == f"Environment {venv} is up to date.\n"


def test_a_stamp_is_void_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = fake_environment(tmp_path / "venv")
    bootstrap.write_stamp(venv, {"dev"})
    assert bootstrap.read_stamp(venv) == {"dev"}

    monkeypatch.setattr(bootstrap, "fingerprint", lambda: "another pyproject.toml")

    assert bootstrap.read_stamp(venv) is None
    assert bootstrap.load_stamp(venv)[1] == {"dev"}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"extras": 3}'])
def test_a_broken_stamp_is_no_stamp(tmp_path: Path, content: str) -> None:
    venv = fake_environment(tmp_path / "venv")
    (venv / "bootstrap.json").write_text(content, encoding="utf-8")
    assert bootstrap.read_stamp(venv) is None
    assert bootstrap.load_stamp(venv) == ("", set())


def test_a_folder_that_is_no_environment_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").touch()
    with pytest.raises(bootstrap.BootstrapError) as caught:
        bootstrap.make_venv(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} exists and is no Python environment; set VERISCOPE_VENV to another path"
    )
    assert (tmp_path / "precious.txt").exists()


def test_an_unknown_extra_is_refused() -> None:
    project = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text())["project"]
    extras = ", ".join(sorted(project["optional-dependencies"]))
    with pytest.raises(bootstrap.BootstrapError) as caught:
        bootstrap.check_extras({"dev", "nosuch"})
    assert str(caught.value) == f"no extra named nosuch; extras are: {extras}"


def test_a_full_disk_is_said_before_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bootstrap.NEEDED_BYTES, "base", 10**18)
    with pytest.raises(bootstrap.BootstrapError, match=r"are free at .* and 1000000000\.0 GB are needed; "):
        bootstrap.check_disk(tmp_path / "new" / "venv", set())


def test_a_failed_step_shows_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "print('No space left on device'); raise SystemExit(3)"]
    with pytest.raises(bootstrap.BootstrapError) as caught:
        bootstrap.step("wheels", command, tmp_path)
    assert str(caught.value) == "wheels failed: the disk is full; free some space and run this again"
    assert "No space left on device" in capsys.readouterr().err


def test_cuda_that_came_along_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "distributions", lambda _: {"torch", "nvidia-cublas", "numpy"})
    with pytest.raises(bootstrap.BootstrapError, match=r"torch brought 1 CUDA packages \(nvidia-cublas, …\)"):
        bootstrap.check_no_cuda(tmp_path)


def test_an_old_python_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: None)
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))
    assert bootstrap.main() == 1
    assert "is too old; Veriscope needs 3.11 or newer. Install one, then run " in capsys.readouterr().err


def test_the_script_parses_on_old_pythons() -> None:
    compile((ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8"), "bootstrap.py", "exec")
    code = "import ast, sys; ast.parse(open(sys.argv[1], encoding='utf-8').read(), feature_version=(3, 8))"
    subprocess.run([sys.executable, "-c", code, str(ROOT / "scripts" / "bootstrap.py")], check=True)


def test_the_stamp_is_plain(tmp_path: Path) -> None:
    bootstrap.write_stamp(tmp_path, {"docs", "dev"})
    stamp = json.loads((tmp_path / "bootstrap.json").read_text(encoding="utf-8"))
    assert stamp == {"fingerprint": bootstrap.fingerprint(), "extras": ["dev", "docs"]}
