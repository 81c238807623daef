"""Small images with labels, for trainings of seconds."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from veriscope.training.images.augment import TrainingImage
    from veriscope.training.networks.known import KnownNetwork

torch = pytest.importorskip("torch", reason="training needs the extra train")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Compute in one thread: networks are tiny, and threads that wait for each other cost more."""
    torch.set_num_threads(1)


def draw_discs(seed: int, *, side: int = 96, n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs that do not touch, with camera noise, and their labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.uint16)
    for number in range(1, n + 1):
        for _ in range(50):
            centre, radius = rng.uniform(10, side - 10, 2), rng.uniform(5, 8)
            near = np.hypot(y - centre[0], x - centre[1])
            if not labels[near < radius + 3].any():
                labels[near < radius] = number
                break
    pixels = 300 + 900.0 * (labels > 0)
    return rng.poisson(pixels).astype(np.uint16), labels


def write_pairs(folder: Path, n: int, *, side: int = 96) -> Path:
    """Write n pairs into folder/images and folder/labels."""
    import tifffile

    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(n):
        pixels, labels = draw_discs(number, side=side)
        tifffile.imwrite(folder / "images" / f"field{number}.tif", pixels)
        tifffile.imwrite(folder / "labels" / f"field{number}.tif", labels)
    return folder


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs of images and labels; not to be changed."""
    return write_pairs(tmp_path_factory.mktemp("discs"), 8)


def disc_images(n: int = 2, *, dark: bool = False, n_channels: int = 1) -> list[TrainingImage]:
    """Prepared images of discs, brighter or darker than what lies around them."""
    from veriscope.core.image import Image
    from veriscope.training.heads.flow import FlowHead
    from veriscope.training.images.prepare import prepare

    found = []
    for seed in range(n):
        pixels, labels = draw_discs(seed)
        image = Image(pixels.max() - pixels if dark else pixels, "yx")
        found.append(prepare(image, labels, FlowHead(), n_channels=n_channels))
    return found


@pytest.fixture(scope="session")
def brightness(tmp_path_factory: pytest.TempPathFactory) -> KnownNetwork:
    """A package whose weights were written by hand: the brighter a pixel, the likelier it is in an object."""
    from veriscope.methods.networks.network_settings import NetworkSettings
    from veriscope.training.architectures.unet import UNet
    from veriscope.training.heads.flow import FlowHead
    from veriscope.training.networks.known import find_network
    from veriscope.training.packaging.package import PackageFacts, write_package

    network = UNet(1, FlowHead.n_out, widths=(8, 12), norm=False)
    with torch.no_grad():
        for name, one in network.named_parameters():
            one.zero_()
            if name in ("encoder.0.0.weight", "decoder.0.0.weight", "decoder.0.2.weight"):
                one[0, 0, 1, 1] = 1
        network.head.weight[0, 0], network.head.bias[0] = 10, -5
    folder = tmp_path_factory.mktemp("by-hand") / "brightness"
    settings = NetworkSettings(stride=2, halo=16, best_diameter=13)
    facts = PackageFacts("brightness", {"summary": "by hand"}, training={"widths": [8, 12]})
    write_package(network, FlowHead(), folder, settings=settings, facts=facts)
    return find_network(str(folder))


@pytest.fixture(scope="session")
def script() -> Iterator[dict[str, Any]]:
    """What the benchmark of training defines."""
    file = Path(__file__).parents[2] / "benchmarks" / "science" / "training.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(file.parent))
        yield runpy.run_path(str(file))


def write_peer(folder: Path, name: str, *, told: bool) -> None:
    """Write an environment and a script that finds nothing, and all where sizes are told.

    It notes in NAME.jsonl what it was given, and keeps a file where it is asked to.
    """
    python = folder / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (folder / f"{name}_training.py").write_text(
        "import json, pathlib, sys\n"
        "import numpy as np\n"
        "cases, words = np.load(sys.argv[1]), sys.argv[5:]\n"
        "given = {part: sum(k.startswith(part + '_image') for k in cases) for part in ('train', 'test')}\n"
        f"with open({str(folder / name)!r} + '.jsonl', 'a') as file:\n"
        "    print(json.dumps(given | {'words': [*sys.argv[2:4], *words]}), file=file)\n"
        "if '--keep' in words:\n"
        "    pathlib.Path(words[1]).write_text('weights')\n"
        "if '--start' in words:\n"
        "    assert pathlib.Path(words[1]).read_text() == 'weights'\n"
        "truth = {k: v for k, v in cases.items() if k.startswith('test_labels_')}\n"
        "out = {k.replace('test_labels', 'labels'): 0 * v for k, v in truth.items()}\n"
        "out |= {k.replace('test_labels', 'told'): v for k, v in truth.items()}\n"
        "np.savez(sys.argv[4], **out)\n"
        "told = {'train_cpu_min': 0.5, 'labels': {'predict_cpu_s': 0.1}}\n"
        f"told |= {{'told': {{'predict_cpu_s': 0.2}}}} if {told} else {{}}\n"
        "print('Cellpose says RESULT too')\n"
        "print('RESULT ' + json.dumps(told))\n"
    )
