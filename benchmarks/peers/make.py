"""Make the environments of the packages that ours is measured against; needs only Python.

::

    python benchmarks/peers/make.py                      # list the peers
    python benchmarks/peers/make.py stardist-matching    # make one; nothing happens if it is there
    python benchmarks/peers/make.py --all --root DIR
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ENVIRONMENTS = Path(__file__).resolve().parent / "environments"


@dataclass(frozen=True)
class Peer:
    """Pinned packages of an environment.

    `without_dependencies` are installed as they are, because their declared dependencies are large and
    not needed for what we measure; what they do need is among `packages`. `torch` is installed first, in its
    build for the CPU: from a local wheel, else from torch's own index.
    """

    packages: tuple[str, ...]
    without_dependencies: tuple[str, ...]
    check: str
    torch: str = ""


PEERS = {
    "stardist-matching": Peer(
        packages=(
            "numpy==2.4.6",
            "numba==0.68.1",
            "scipy==1.17.1",
            "scikit-image==0.26.0",
            "matplotlib",
            "six",
            "tqdm",
        ),
        without_dependencies=("stardist==0.9.2", "csbdeep==0.8.2"),
        check="from stardist.matching import matching",
    ),
    "cellpose-metrics": Peer(
        packages=("numpy==2.4.6", "numba==0.68.1", "scipy==1.17.1"),
        without_dependencies=("cellpose==4.2.1.1",),
        check="import numba, scipy; from importlib.metadata import version; version('cellpose')",
    ),
    "panoptica": Peer(
        packages=("panoptica==2.1.7",),
        without_dependencies=(),
        check="from panoptica import Panoptica_Evaluator",
    ),
    "surface-distance": Peer(
        packages=("numpy==2.4.6", "scipy==1.17.1", "absl-py==2.5.1"),
        without_dependencies=("surface-distance==0.1",),
        check="from surface_distance import compute_surface_distances",
    ),
    "medpy": Peer(
        packages=("numpy==2.4.6", "scipy==1.17.1", "SimpleITK==2.5.7"),
        without_dependencies=("medpy==0.5.2",),
        check="from medpy.metric.binary import assd, hd",
    ),
    "microssim": Peer(
        packages=("microssim==0.0.5", "numpy==2.4.6"),
        without_dependencies=(),
        check="from microssim import MicroSSIM",
    ),
    "gudhi": Peer(
        packages=("gudhi==3.13.0", "numpy==2.4.6"),
        without_dependencies=(),
        check="from gudhi import CubicalComplex",
    ),
    "track-metrics": Peer(
        packages=("py-ctcmetrics==1.3.3", "traccuracy==0.4.3"),
        without_dependencies=(),
        check="import ctc_metrics, traccuracy",
    ),
    # Broken with pydantic 2.14; without torch it runs ONNX, the fastest of its engines here.
    "bioimageio-core": Peer(
        packages=("bioimageio.core==0.11.0", "pydantic<2.14", "onnxruntime==1.31.1"),
        without_dependencies=(),
        check="from bioimageio.core import create_prediction_pipeline, predict",
    ),
    # With torch it prefers TorchScript, where a package has no state dict that it can get.
    "bioimageio-core-torch": Peer(
        packages=("bioimageio.core==0.11.0", "pydantic<2.14", "onnxruntime==1.31.1"),
        without_dependencies=(),
        check="import torch; from bioimageio.core import create_prediction_pipeline, predict",
        torch="torch==2.13.0",
    ),
    # Train with train_tensorboard=False: TensorFlow 2.21 comes without TensorBoard.
    "stardist": Peer(
        packages=("stardist==0.9.2", "csbdeep==0.8.2", "tensorflow-cpu==2.21.0", "numpy==2.4.6"),
        without_dependencies=(),
        check="from stardist.models import Config2D, StarDist2D; from stardist.nms import "
        "non_maximum_suppression",
    ),
    "cellpose": Peer(
        packages=("cellpose==3.1.1.3", "numpy==2.0.2"),
        without_dependencies=(),
        check="from cellpose import dynamics, models, train",
        torch="torch==2.13.0",
    ),
    "pycocotools": Peer(
        packages=("numpy==2.4.6", "pycocotools==2.0.11"),
        without_dependencies=(),
        check="from pycocotools.cocoeval import COCOeval",
    ),
}


def peers_root() -> Path:
    """Folder of the environments."""
    return Path(os.environ.get("VERISCOPE_PEERS", ENVIRONMENTS))


def peer_python(name: str, root: Path | None = None) -> Path | None:
    """Python of a peer's environment, or None where it was not made."""
    folder = (root or peers_root()) / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    return python if python.exists() and (folder / "made-from.txt").exists() else None


def make(name: str, root: Path) -> Path:
    """Make one environment, unless it is there with the same packages."""
    peer = PEERS[name]
    folder = root / name
    recipe = "\n".join([*peer.packages, *peer.without_dependencies, *filter(None, [peer.torch])]) + "\n"
    marker = folder / "made-from.txt"
    if marker.exists() and marker.read_text() == recipe:
        return folder
    if folder.exists():
        shutil.rmtree(folder)
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if peer.torch and subprocess.run([*install, "--no-index", "--no-deps", peer.torch]).returncode:
        subprocess.run([*install, peer.torch, "--index-url", TORCH_CPU_INDEX], check=True)
    # The peer itself comes first: pip would otherwise complain of what it lacks on purpose.
    if peer.without_dependencies:
        subprocess.run([*install, "--no-deps", *peer.without_dependencies], check=True)
    subprocess.run([*install, *peer.packages], check=True)
    subprocess.run([str(python), "-c", peer.check], check=True)
    marker.write_text(recipe)
    return folder


def main(arguments: list[str] | None = None) -> None:
    """List or make environments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--root", type=Path, default=peers_root())
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in PEERS]
    if unknown:
        parser.error(f"no peer {', '.join(unknown)}; the peers are {', '.join(PEERS)}")
    names = list(PEERS) if options.all else options.names
    for name in names:
        print(f"{name}: {make(name, options.root)}")
    if not names:
        for name in PEERS:
            print(f"{name}: {peer_python(name, options.root) or 'not made'}")


if __name__ == "__main__":
    main()
