"""Weights for torch run in a process of their own that has no rights; their code only after consent."""

from __future__ import annotations

import io
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError, MissingPackageError
from veriscope.methods.zoo.isolated import IsolatedEngine, Limits
from veriscope.registry import make_method
from veriscope.zoo.add import add_model
from veriscope.zoo.cache import load_installed

from .conftest import Package, blobs, sha256

torch = pytest.importorskip("torch")

ARCHITECTURE = """
import torch
print("models may print")

class Mean(torch.nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        self.kernel = torch.nn.Parameter(torch.zeros(1, 1, 5, 5))

    def forward(self, image):
        return torch.nn.functional.conv2d(image * self.scale, self.kernel, padding=2)
"""
ATTACKS = """
import os, socket, subprocess, urllib.request
found = []

def attempt(name, action):
    try:
        action()
    except BaseException as error:
        found.append(name)

attempt("write", lambda: open({mark!r}, "w").write("x"))
attempt("mkdir", lambda: os.mkdir({mark!r} + "d"))
attempt("delete", lambda: os.remove({victim!r}))
attempt("program", lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True))
attempt("connect", lambda: socket.create_connection(("127.0.0.1", {port}), 2))
attempt("native", lambda: __import__("_socket").socket().connect(("127.0.0.1", {port})))
attempt("secret", lambda: os.environ["VERISCOPE_SECRET"])
raise RuntimeError("blocked " + " ".join(found))
"""


def with_torch(package: Package, code: str, weights: bytes | None = None, **architecture: Any) -> Path:
    if weights is None:
        stream = io.BytesIO()
        torch.save({"kernel": torch.full((1, 1, 5, 5), 1 / 25)}, stream)
        weights = stream.getvalue()

    def change(content: dict[str, Any]) -> None:
        content["inputs"][0]["data"] = {"type": "float32"}
        content["weights"] = {
            "pytorch_state_dict": {
                "source": "weights.pt",
                "sha256": sha256(weights),
                "pytorch_version": "2.6",
                "architecture": {
                    "source": "mean.py",
                    "sha256": sha256(code.encode()),
                    "callable": "Mean",
                    "kwargs": {"scale": 1.0},
                }
                | architecture,
            }
        }

    folder = package(change=change)
    (folder / "mean.py").write_text(code)
    (folder / "weights.pt").write_bytes(weights)
    return folder


def test_code_runs_only_after_consent_to_its_hash(package: Package, cache: Path) -> None:
    folder = with_torch(package, ARCHITECTURE)
    own = sha256(ARCHITECTURE.encode())
    with pytest.raises(MethodError, match=rf"Read .*mean\.py first; .* with --trust {own}"):
        add_model(str(folder))
    with pytest.raises(MethodError, match="--trust"):
        add_model(str(folder), trust=["0" * 64])
    found = add_model(str(folder), trust=[own])
    assert found["states"]["output_reproduced"]["status"] == "yes"
    assert found["code"] == [{"file": "mean.py", "sha256": own, "callable": "Mean"}]
    method = make_method("zoo:bouncy-blob")
    assert method.predict(Image(blobs(), "yx")).n_objects == 6
    (cache / "models/bouncy-blob/package/mean.py").write_text("other")
    with pytest.raises(MethodError, match=r"mean\.py was changed after it was verified"):
        make_method("zoo:bouncy-blob")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems offer less, see docs/reference")
def test_code_can_do_nothing_but_compute(
    package: Package, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERISCOPE_SECRET", "token")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = ATTACKS.format(mark=str(tmp_path / "mark"), victim=str(victim), port=port)
        folder = with_torch(package, code)
        with pytest.raises(MethodError, match="RuntimeError: blocked ") as caught:
            add_model(str(folder), trust=[sha256(code.encode())])
    blocked = set(str(caught.value).split("blocked ")[1].split(".")[0].split())
    assert {"write", "connect", "secret"} <= blocked
    engine = engine_of(folder)
    with pytest.raises(MethodError):
        engine.run(np.zeros((1, 1, 8, 8), np.float32))
    if engine.held.get("files"):
        assert {"mkdir", "delete", "program"} <= blocked
        assert victim.exists()
    if engine.held.get("network"):
        assert "native" in blocked
    assert not (tmp_path / "mark").exists() or (tmp_path / "mark").read_text() == ""


def engine_of(folder: Path) -> IsolatedEngine:
    """Give the engine of a package with the consent of its code, before anything runs."""
    from veriscope.methods.zoo.choose import choose_engine
    from veriscope.zoo.add import open_package

    installed = open_package(folder)
    engine = choose_engine(replace(installed, trusted=frozenset(installed.hashes.values())), None)
    assert isinstance(engine, IsolatedEngine)
    return engine


def test_a_model_that_needs_a_gpu_is_told_so(package: Package, cache: Path) -> None:
    code = ARCHITECTURE + "\nraise RuntimeError('Found no NVIDIA driver; CUDA is needed')"
    folder = with_torch(package, code)
    with pytest.raises(MethodError, match=r"needs a GPU, and Veriscope runs it without .*CUDA") as caught:
        add_model(str(folder), trust=[sha256(code.encode())])
    assert "does not run here" in str(caught.value) and "--anyway" not in str(caught.value)


def test_a_model_that_asks_for_too_much_memory_is_told_so(package: Package, cache: Path) -> None:
    said = "RuntimeError: can't allocate memory: you tried to allocate 31457280000 bytes"
    engine = engine_of(with_torch(package, ARCHITECTURE + f"\nraise RuntimeError({said!r})"))
    message = (
        r"weights\.pt: needs more than the 12 GB of memory that a model may use here: it asked for 31\.5 GB"
    )
    with pytest.raises(MethodError, match=message):
        engine.run(np.zeros((1, 1, 8, 8), np.float32))


def test_a_model_that_never_ends_is_stopped(package: Package, cache: Path) -> None:
    engine = engine_of(with_torch(package, "while True: pass"))
    engine.limits = Limits(wall_s=3)
    with pytest.raises(MethodError, match=r"weights\.pt: gave no answer within 3 s and was stopped"):
        engine.run(np.zeros((1, 1, 8, 8), np.float32))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_a_model_that_takes_all_memory_or_dies_is_an_error_of_its_own(package: Package, cache: Path) -> None:
    code = "import os\ntry:\n    x = bytearray(40 << 30)\nexcept MemoryError:\n    os._exit(7)"
    engine = engine_of(with_torch(package, code))
    with pytest.raises(MethodError, match=r"its process ended \(code 7\), for want of memory"):
        engine.run(np.zeros((1, 1, 8, 8), np.float32))


def test_a_pickle_in_the_weights_is_not_followed(package: Package, cache: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "mark"),)

    stream = io.BytesIO()
    torch.save({"kernel": Evil()}, stream)
    engine = engine_of(with_torch(package, ARCHITECTURE, stream.getvalue()))
    with pytest.raises(MethodError, match="holds more than numbers and is not loaded"):
        engine.run(np.zeros((1, 1, 8, 8), np.float32))
    assert not (tmp_path / "mark").exists()


def test_an_architecture_of_another_library_is_not_imported(package: Package, cache: Path) -> None:
    folder = with_torch(package, ARCHITECTURE, source=None, import_from="os", callable="system")
    with pytest.raises(MethodError, match=r"needs the architecture os\.system of another library"):
        make_method(str(folder))


def test_without_torch_the_line_that_installs_it_is_named(
    package: Package, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_torch(package, ARCHITECTURE)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'veriscope\[train\]'"):
        make_method(str(folder))


@pytest.mark.real_data
def test_the_real_torchscript_is_reproduced(data_dir: Path, cache: Path, tmp_path: Path) -> None:
    source = data_dir / "zoo" / "unet2d_nuclei_broad"
    for file in ("bioimageio.yaml", "weights.pt", "test_input.npy", "test_output.npy"):
        shutil.copyfile(source / file, tmp_path / file)
    found = add_model(str(tmp_path), name="unet")
    (test,) = found["states"]["output_reproduced"]["tests"]
    assert (test["weights"], test["n_values"], test["n_mismatches"]) == ("torchscript", 512 * 512, 0)
    assert load_installed("unet").hashes.keys() == found["files"].keys()
    cut = (tmp_path / "weights.pt").read_bytes()[:-5000]
    text = (tmp_path / "bioimageio.yaml").read_text()
    (tmp_path / "bioimageio.yaml").write_text(
        text.replace(sha256((tmp_path / "weights.pt").read_bytes()), sha256(cut))
    )
    (tmp_path / "weights.pt").write_bytes(cut)
    with pytest.raises(MethodError, match=r"weights\.pt: torch cannot run it"):
        add_model(str(tmp_path), name="cut")
