"""Downloads and the zoo's index, from a server on this computer that speaks the protocol of the zoo."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import InputError, MethodError, UnreadableFileError
from veriscope.registry import make_method
from veriscope.workflow.model_list import list_all_models
from veriscope.workflow.models import describe_model
from veriscope.zoo.add import add_model
from veriscope.zoo.cache import installed_names
from veriscope.zoo.fetch import download
from veriscope.zoo.index import PUBLIC_ZOO, read_index, refresh_index

from .conftest import Package, sha256

Answer = Callable[[BaseHTTPRequestHandler, urllib.parse.SplitResult], None]

RECORDED = Path(__file__).parent / "recorded_children.json"
"""In the shape of the zoo's answer to ``children?pagination=true``, written by hand after its client."""


class Zoo:
    """A server that answers as the zoo does."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.special: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.address = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urllib.parse.urlsplit(handler.path)
        self.asked.append(handler.path)
        if parts.path in self.special:
            self.special[parts.path](handler, parts)
        elif parts.path.endswith("/bioimage.io/children"):
            query = urllib.parse.parse_qs(parts.query)
            recorded = json.loads(RECORDED.read_text())
            wanted = json.loads(query["filters"][0])["type"]
            items = [item for item in recorded["items"] if item["type"] == wanted]
            first, most = int(query["offset"][0]), int(query["limit"][0])
            page = {"items": items[first : first + most], "total": len(items)}
            send(handler, json.dumps(page | {"offset": first, "limit": most}).encode())
        elif parts.path in self.files:
            send(handler, self.files[parts.path])
        else:
            handler.send_error(404)


def send(handler: BaseHTTPRequestHandler, content: bytes, *, length: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def zoo(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zoo]:
    """Give a running server, which is the zoo for this test."""
    found = Zoo()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    found.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("VERISCOPE_ZOO", f"{found.address}/zoo")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def offer(zoo: Zoo, folder: Path, nickname: str = "bouncy-blob") -> None:
    for path in folder.iterdir():
        name = "rdf.yaml" if path.name == "bioimageio.yaml" else path.name
        zoo.files[f"/zoo/{nickname}/files/{name}"] = path.read_bytes()


def test_a_nickname_is_fetched_verified_tested_and_then_needs_no_network(
    zoo: Zoo, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(zoo, package())
    found = add_model("bouncy-blob")
    assert found["name"] == "zoo:bouncy-blob"
    assert found["states"]["output_reproduced"]["status"] == "yes"
    monkeypatch.setenv("VERISCOPE_ZOO", "http://127.0.0.1:9")
    n = len(zoo.asked)
    assert installed_names() == ("zoo:bouncy-blob",)
    assert describe_model("bouncy-blob")["states"]["output_reproduced"]["status"] == "yes"
    assert len(zoo.asked) == n


def test_only_the_files_that_matter_are_fetched(zoo: Zoo, package: Package) -> None:
    def several(content: dict[str, Any]) -> None:
        content["covers"] = ["cover.png"]
        content["weights"]["torchscript"] = {"source": "weights.pt", "pytorch_version": "2.6"}
        content["weights"]["pytorch_state_dict"] = {
            "source": "weights.pth",
            "pytorch_version": "2.6",
            "architecture": {"source": "net.py", "callable": "Net", "sha256": "0" * 64},
        }

    offer(zoo, package(change=several))
    add_model("bouncy-blob")
    names = sorted(path.rsplit("/", 1)[-1] for path in zoo.asked)
    assert names == ["in.npy", "out.npy", "rdf.yaml", "weights.onnx"]


def test_an_address_of_a_description_and_of_an_archive(zoo: Zoo, package: Package, tmp_path: Path) -> None:
    import zipfile

    folder = package()
    offer(zoo, folder)
    assert add_model(f"{zoo.address}/zoo/bouncy-blob/files/rdf.yaml", name="a")["name"] == "zoo:a"
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    zoo.files["/p.zip"] = (tmp_path / "p.zip").read_bytes()
    assert add_model(f"{zoo.address}/p.zip", name="b")["name"] == "zoo:b"


def test_a_file_that_is_not_what_the_description_says_is_not_kept(
    zoo: Zoo, package: Package, cache: Path
) -> None:
    offer(zoo, package())
    zoo.files["/zoo/bouncy-blob/files/weights.onnx"] += b"x"
    with pytest.raises(UnreadableFileError, match=r"weights\.onnx: has SHA-256 \w+ and should have"):
        add_model("bouncy-blob")
    assert not list((cache / "models").iterdir())


def test_answers_that_are_errors_cut_or_too_large(zoo: Zoo, tmp_path: Path) -> None:
    target = tmp_path / "file"
    with pytest.raises(UnreadableFileError, match="the server answers 404"):
        download(f"{zoo.address}/nothing", target)
    zoo.special["/cut"] = lambda handler, _: send(handler, b"abc", length=10)
    with pytest.raises(UnreadableFileError, match=r"broke off after 3 of 10 bytes|cannot be reached"):
        download(f"{zoo.address}/cut", target)
    zoo.files["/large"] = bytes(1000)
    with pytest.raises(UnreadableFileError, match="has 1000 bytes; the most that is taken is 999"):
        download(f"{zoo.address}/large", target, most_bytes=999)
    assert download(f"{zoo.address}/large", target) == sha256(bytes(1000))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["file"]


@pytest.mark.parametrize("goal", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_server_cannot_lead_to_a_file(zoo: Zoo, tmp_path: Path, goal: str) -> None:
    def lead(handler: BaseHTTPRequestHandler, _: object) -> None:
        handler.send_response(302)
        handler.send_header("Location", goal)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    zoo.special["/lead"] = lead
    with pytest.raises((InputError, UnreadableFileError)):
        download(f"{zoo.address}/lead", tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_without_a_network_it_says_what_works(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UnreadableFileError, match=r"without a network, add models from a folder or \.zip file"
    ):
        download("http://127.0.0.1:9/x", tmp_path / "file")


def test_the_index_is_fetched_kept_and_filtered(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_index() is None
    assert list_all_models()["index"] is False
    index = refresh_index()
    assert [item["id"] for item in index["models"]] == ["affable-shark", "hiding-tiger"]
    monkeypatch.setenv("VERISCOPE_ZOO", "http://127.0.0.1:9")
    assert read_index() == index
    found = {item["name"]: item for item in list_all_models(structure="nuclei")["models"]}
    assert found["affable-shark"]["where"] == "zoo"
    assert "hiding-tiger" not in found
    assert describe_model("affable-shark")["card"]["licence"] == "CC-BY-4.0"
    names = [item["name"] for item in list_all_models(licence="cc-by", modality="electron")["models"]]
    assert names == ["hiding-tiger"]


def test_a_large_index_comes_in_pages(zoo: Zoo) -> None:
    items = [{"id": f"bioimage-io/m-{i:03d}", "type": "model", "manifest": {"name": "m"}} for i in range(250)]

    def page(handler: BaseHTTPRequestHandler, parts: urllib.parse.SplitResult) -> None:
        query = urllib.parse.parse_qs(parts.query)
        first, most = int(query["offset"][0]), int(query["limit"][0])
        send(handler, json.dumps({"items": items[first : first + most], "total": 250}).encode())

    zoo.special["/zoo/bioimage.io/children"] = page
    assert [item["id"] for item in refresh_index()["models"]] == [f"m-{i:03d}" for i in range(250)]
    assert len(zoo.asked) == 3


@pytest.mark.parametrize("content", [b"<html>", b'{"error": 1}', b'{"items": ["a"]}', b"[" * 100_000])
def test_an_index_that_is_none_leaves_the_old_one(zoo: Zoo, content: bytes) -> None:
    index = refresh_index()
    zoo.special["/zoo/bioimage.io/children"] = lambda handler, _: send(handler, content)
    with pytest.raises(UnreadableFileError, match="answers no"):
        refresh_index()
    assert read_index() == index


def test_what_is_no_nickname(cache: Path) -> None:
    with pytest.raises(
        InputError, match="'Not a nickname' is neither a file, nor an address, nor a nickname"
    ):
        add_model("Not a nickname")
    with pytest.raises(MethodError):
        describe_model("affable-shark")


def test_a_nickname_without_its_prefix_is_answered_with_what_to_do(zoo: Zoo, package: Package) -> None:
    refresh_index()
    with pytest.raises(MethodError, match="the zoo has a model of this name: veriscope models add affable-s"):
        make_method("affable-shark")
    offer(zoo, package())
    add_model("bouncy-blob")
    with pytest.raises(MethodError, match=r"no method named 'bouncy-blob'; did you mean 'zoo:bouncy-blob'\?"):
        make_method("bouncy-blob")


def test_the_public_zoo_is_reached_over_an_encrypted_connection() -> None:
    assert PUBLIC_ZOO.startswith("https://")
