"""A malicious package for each door: nothing runs on reading, nothing gets out, nothing is left behind."""

from __future__ import annotations

import os
import pickle
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import InputError, MethodError, UnreadableFileError
from veriscope.registry import make_method
from veriscope.zoo.add import add_model
from veriscope.zoo.read import read_description
from veriscope.zoo.safe_yaml import read_yaml

from .conftest import Package, onnx_bytes, sha256


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def zipped(path: Path, entries: dict[str, bytes], *, mode: int = 0o644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.mkdir [{path}]",
        "type: !!python/name:os.system",
        "a: !!python/object/new:os.mkdir [{path}]",
        "- just\n- a list",
        "a: [unclosed",
        "",
    ],
)
def test_yaml_tags_run_nothing(tmp_path: Path, text: str) -> None:
    mark, file = tmp_path / "mark", tmp_path / "rdf.yaml"
    file.write_text(text.replace("{path}", str(mark)))
    with pytest.raises(UnreadableFileError):
        read_yaml(file)
    assert not mark.exists()


def test_yaml_that_grows_through_its_aliases(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (tmp_path / "rdf.yaml").write_text("\n".join(lines))
    with pytest.raises(UnreadableFileError, match="its aliases make more than 200000 values of it"):
        read_yaml(tmp_path / "rdf.yaml")
    (tmp_path / "self.yaml").write_text("a: &a [*a]")
    with pytest.raises(UnreadableFileError, match="nest them without end"):
        read_yaml(tmp_path / "self.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(UnreadableFileError, match="a description has at most 4 MB"):
        read_yaml(tmp_path / "large.yaml")


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "C:\\evil", "..\\evil", "c:/evil", "~/evil"]
)
def test_zip_paths_that_lead_out(tmp_path: Path, cache: Path, name: str) -> None:
    path = zipped(tmp_path / "p.zip", {name: b"x"})
    with pytest.raises(UnreadableFileError, match="lies outside the package or is no path"):
        add_model(str(path))
    assert not (tmp_path / "evil").exists()
    assert not (cache / "models").exists()


def test_zip_with_a_link(tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        entry = zipfile.ZipInfo("weights.onnx")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UnreadableFileError, match=r"weights\.onnx is a link or a device"):
        add_model(str(tmp_path / "p.zip"))


def test_zip_bomb(tmp_path: Path, cache: Path) -> None:
    path = zipped(tmp_path / "p.zip", {"bioimageio.yaml": bytes(80 << 20)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(UnreadableFileError, match="unpacks to far more than its size suggests"):
        add_model(str(path))


def test_zip_that_lies_or_is_broken(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UnreadableFileError, match="is no intact zip archive"):
        add_model(str(tmp_path / "p.zip"))
    whole = zipped(tmp_path / "q.zip", {"bioimageio.yaml": os.urandom(5000)}).read_bytes()
    (tmp_path / "q.zip").write_bytes(whole[:60] + b"\0" * 40 + whole[100:])
    with pytest.raises(UnreadableFileError, match="is no intact zip archive"):
        add_model(str(tmp_path / "q.zip"))
    many = zipped(tmp_path / "m.zip", {f"f{i}": b"" for i in range(2001)})
    with pytest.raises(UnreadableFileError, match="has 2001 files"):
        add_model(str(many))


@pytest.mark.parametrize("source", ["/etc/hostname", "../secret", "a\\b", "~/secret", "C:/secret"])
def test_descriptions_that_name_files_outside(
    package: Package, cache: Path, tmp_path: Path, source: str
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = package(change=lambda content: content["weights"]["onnx"].update(source=source))
    for run in (add_model, make_method):
        with pytest.raises(UnreadableFileError, match="lies outside the package or is no path"):
            run(str(folder))


def test_links_in_a_folder_are_not_followed(package: Package, cache: Path, tmp_path: Path) -> None:
    folder = package()
    (folder / "weights.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "weights.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    for run in (add_model, make_method):
        with pytest.raises(UnreadableFileError, match="is a link; a package holds its files itself"):
            run(str(folder))


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://example.org/a.zip", "data:text/yaml,a", "file:a"]
)
def test_addresses_of_anything_but_the_web(cache: Path, address: str) -> None:
    with pytest.raises(InputError, match="only http and https addresses are followed"):
        add_model(address)


def test_weights_at_a_file_address_are_not_read(package: Package, cache: Path) -> None:
    folder = package(change=lambda content: content["weights"]["onnx"].update(source="file:///etc/passwd"))
    with pytest.raises(UnreadableFileError, match="none of its weights is in the package"):
        add_model(str(folder))


def test_custom_processing_is_shown_and_not_run_without_consent(
    package: Package, cache: Path, tmp_path: Path
) -> None:
    code = f"import os\nos.mkdir({str(tmp_path / 'mark')!r})\n".encode()

    def custom(content: dict[str, Any]) -> None:
        content["outputs"][0]["postprocessing"] = [
            {"id": "custom", "callable": "run", "source": "evil.py", "sha256": sha256(code)}
        ]

    folder = package(change=custom)
    (folder / "evil.py").write_bytes(code)
    (shown,) = read_description(folder / "bioimageio.yaml").codes
    assert (shown.file.source, shown.file.sha256) == ("evil.py", sha256(code))
    with pytest.raises(MethodError, match=rf"Read .*evil\.py first; .* with --trust {sha256(code)}"):
        add_model(str(folder))
    assert not (tmp_path / "mark").exists()


def test_pickled_weights_are_never_unpickled_here(package: Package, cache: Path, tmp_path: Path) -> None:
    content = pickle.dumps(Evil(tmp_path / "mark"))
    folder = package(weights=content)
    with pytest.raises(MethodError, match=r"ONNX Runtime .* cannot load it"):
        add_model(str(folder))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("location", ["secret", "../secret", "{folder}/secret"])
def test_onnx_weights_cannot_name_other_files(
    package: Package, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    (tmp_path / "work").mkdir()
    for folder in (tmp_path, tmp_path / "work"):
        (folder / "secret").write_bytes(b"\0" * 100)
    monkeypatch.chdir(tmp_path / "work")
    content = onnx_bytes(elsewhere=location.replace("{folder}", str(tmp_path)))
    with pytest.raises(MethodError, match="cannot load it"):
        add_model(str(package(weights=content)))
