"""Archives of strangers: unpacked whole within their folder, or refused."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import UnreadableFileError
from veriscope.methods.zoo import archive
from veriscope.methods.zoo.archive import safe_file, safe_relative, unpack_zip


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries:
            opened.writestr(name, content)
    return path


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    contents = {
        "rdf.yaml": b"name: m",
        "deep/er/w.onnx": bytes(range(256)) * 9000,
        "empty": b"",
        "ü µ.txt": b"1",
    }
    source = zipped(tmp_path / "a.zip", ("folder/", b""), *contents.items())
    unpack_zip(source, tmp_path / "out")
    found = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert found == contents


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "C:/a",
        "C:a",
        "..",
        "a\\..\\..\\b",
        "\\\\server\\a",
        "~/a",
        "~root",
        ".",
    ],
)
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    source = zipped(tmp_path / "a.zip", ("good", b"1"), (name, b"evil"))
    with pytest.raises(UnreadableFileError, match=r"lies outside the package or is no path; packages name"):
        unpack_zip(source, tmp_path / "out" / "inner")
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == ["a.zip", "out/inner/good"]


@given(name=st.text(alphabet="ab/.~\\:\0 ", max_size=9))
def test_a_path_that_is_taken_stays_within_the_folder(name: str) -> None:
    try:
        relative = safe_relative(name, where="a.zip")
    except UnreadableFileError as error:
        assert str(error) == (
            f"a.zip: names the file {name!r}, which lies outside the package or is no path; packages name "
            "their files relative to themselves. Do not use this one"
        )
        return
    folder = Path("/package")
    whole = (folder / relative).resolve()
    assert folder in whole.parents


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (kind | 0o777) << 16
    source = zipped(tmp_path / "a.zip", (entry, b"/etc/passwd"))
    with pytest.raises(UnreadableFileError, match="link is a link or a device; packages hold plain files"):
        unpack_zip(source, tmp_path / "out")
    assert not (tmp_path / "out" / "link").exists()


@pytest.mark.parametrize(
    ("names", "twice"),
    [
        (("W.onnx", "w.onnx"), "w.onnx"),
        (("a/b", "A/B"), "A/B"),
        (("./a", "a"), "a"),
        (("a//b", "a/b"), "a/b"),
    ],
)
def test_names_that_are_the_same_on_some_disks_are_refused(
    tmp_path: Path, names: tuple[str, str], twice: str
) -> None:
    source = zipped(tmp_path / "a.zip", *((name, b"1") for name in names))
    with pytest.raises(UnreadableFileError) as error:
        unpack_zip(source, tmp_path / "out")
    assert str(error.value) == f"{source}: has two files named {twice}"


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b"), ("x", "X/y")])
def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    """It used to end in an error of the operating system that names no remedy."""
    source = zipped(tmp_path / "a.zip", *((name, b"1") for name in names))
    with pytest.raises(UnreadableFileError) as error:
        unpack_zip(source, tmp_path / "out")
    assert str(error.value) == f"{source}: has a file and a folder of one name: {names[1]}"


def test_a_bomb_is_stopped_before_it_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_BYTES", 3 << 20)
    source = zipped(tmp_path / "a.zip", ("one", bytes(2 << 20)), ("two", bytes(2 << 20)))
    with pytest.raises(UnreadableFileError) as error:
        unpack_zip(source, tmp_path / "out")
    assert str(error.value) == (
        f"{source}: unpacks to far more than its size suggests (a bomb); nothing was kept"
    )
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*"))
    assert written <= (3 << 20) + (1 << 20)


def test_too_many_files_are_refused_before_any_is_written(tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", *((str(number), b"") for number in range(2001)))
    with pytest.raises(UnreadableFileError, match="has 2001 files; a package has at most 2000"):
        unpack_zip(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped"])
def test_a_damaged_archive_is_said(tmp_path: Path, damage: str) -> None:
    source = zipped(tmp_path / "a.zip", ("w.onnx", bytes(range(256)) * 500))
    content = bytearray(source.read_bytes())
    if damage == "flipped":
        content[200] ^= 0xFF
    source.write_bytes({"empty": b"", "text": b"no zip", "cut": content[:-40], "flipped": content}[damage])
    with pytest.raises(UnreadableFileError) as error:
        unpack_zip(source, tmp_path / "out")
    assert str(error.value).startswith(f"{source}: is no intact zip archive: ")
    assert str(error.value).endswith("; get it anew")


def test_an_encrypted_archive_is_said(tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", ("w.onnx", b"secret"))
    content = bytearray(source.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    source.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"is no intact zip archive: .*encrypted"):
        unpack_zip(source, tmp_path / "out")


def test_a_file_of_a_package_is_reached_through_no_link(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "sub").mkdir(parents=True)
    (package / "sub" / "w.onnx").write_bytes(b"1")
    (tmp_path / "secret").write_bytes(b"2")
    assert safe_file(package, "sub/w.onnx", where="rdf.yaml") == package / "sub" / "w.onnx"
    (package / "link").symlink_to(tmp_path / "secret")
    (package / "folder").symlink_to(tmp_path)
    for name in ("link", "folder/secret"):
        with pytest.raises(UnreadableFileError) as error:
            safe_file(package, name, where="rdf.yaml")
        assert str(error.value) == (
            f"{name}: is a link; a package holds its files itself. Do not use this one"
        )
    for name in ("sub", "none"):
        with pytest.raises(UnreadableFileError) as error:
            safe_file(package, name, where="rdf.yaml")
        assert str(error.value) == f"{name}: is missing, and rdf.yaml names it; get the package anew"
    with pytest.raises(UnreadableFileError, match="lies outside the package"):
        safe_file(package, "../secret", where="rdf.yaml")
