from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import yaml

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.training import self_supervised
from veriscope.training.heads.blind import BlindHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.images.hidden_pixels import HiddenPixels, scale_brightness
from veriscope.training.loop.steps import FitSettings
from veriscope.training.networks.known import find_network
from veriscope.training.self_supervised import train_without_labels
from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five smooth images with strong noise; clean/ has them without."""
    folder = tmp_path_factory.mktemp("noisy")
    y, x = np.mgrid[:96, :96]
    for name in ("noisy", "clean"):
        (folder / name).mkdir()
    for number in range(5):
        rng = np.random.default_rng(number)
        clean = 1000 + 400 * np.sin(y / (5 + number)) * np.cos(x / 7)
        tifffile.imwrite(folder / "clean" / f"i{number}.tif", clean.astype(np.uint16))
        noise = rng.normal(0, 200, clean.shape)
        tifffile.imwrite(folder / "noisy" / f"i{number}.tif", (clean + noise).astype(np.uint16))
    return folder


def test_a_hidden_pixel_never_shows_its_own_value() -> None:
    image = np.arange(64 * 64, dtype=np.float32).reshape(1, 64, 64)
    pixels, targets = HiddenPixels([image], "n2v", size=64, seed=1).batch(3, 4)
    hidden = targets[:, 1] > 0
    assert 0.005 < hidden.float().mean() < 0.03
    assert (pixels[:, 0][hidden] != targets[:, 0][hidden]).all()
    assert (pixels[:, 0][~hidden] == targets[:, 0][~hidden]).all()


def test_masked_blocks_are_blank() -> None:
    image = np.random.default_rng(1).random((1, 64, 64), dtype=np.float32)
    pixels, targets = HiddenPixels([image], "masked", size=64, seed=1).batch(0, 2)
    hidden = targets[:, 1] > 0
    assert 0.3 < hidden.float().mean() < 0.9
    assert len(torch.unique(pixels[0, 0][hidden[0]])) == 1


def test_batches_depend_on_seed_and_number_alone() -> None:
    image = np.random.default_rng(1).random((1, 40, 50), dtype=np.float32)
    for task in ("n2v", "masked"):
        one, two = (HiddenPixels([image], task, size=64, seed=5).batch(7, 2) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_only_hidden_pixels_count() -> None:
    targets = torch.zeros(1, 2, 4, 4)
    targets[0, 1, 0, 0] = 1
    output = torch.full((1, 1, 4, 4), 100.0)
    output[0, 0, 0, 0] = 2
    assert float(BlindHead(1, "n2v").loss(output, targets)) == 4


def tiny(**options: Any) -> TrainSettings:
    given = {"widths": (12, 24), "crop": 64, "batch": 8, "steps": 100, "rate": 0.005, "device": "cpu"}
    return TrainSettings.parse(given | options, where="test")


def test_noise_is_removed_from_an_image_that_was_not_seen(noisy: Path, tmp_path: Path) -> None:
    from veriscope.methods.restoration import RestorationMethod
    from veriscope.registry import make_method

    found = train_without_labels(noisy / "noisy", tmp_path / "n2v", tiny(), task="n2v")
    assert found["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    method = make_method(str(tmp_path / "n2v"))
    assert isinstance(method, RestorationMethod)
    raw = tifffile.imread(noisy / "noisy" / "i0.tif")
    clean = tifffile.imread(noisy / "clean" / "i0.tif")
    low, high = np.percentile(raw, (1.0, 99.8))
    restored = method.restore(Image(raw, "yx")).pixels * (high - low) + low
    before, after = (np.abs(one - clean.astype(float)).mean() for one in (raw.astype(float), restored))
    assert after < 0.7 * before


def test_hidden_pixels_show_others_of_their_neighbourhood_and_small_images_are_continued() -> None:
    image = np.arange(20 * 30, dtype=np.float32).reshape(1, 20, 30)
    sampler = HiddenPixels([image], "n2v", size=48, seed=0)
    pixels, targets = sampler.batch(0, 6)
    assert pixels.shape == (6, 1, 48, 48)
    assert set(np.unique(targets[:, 0].numpy())) <= set(np.unique(image))
    hidden = targets[:, 1] > 0
    rows, columns = np.divmod((pixels - targets[:, :1])[:, 0][hidden].abs().numpy(), 30)
    # At most two rows and two columns away; to the left of a row's end counts backwards.
    assert (np.minimum(columns, 30 - columns) <= 2).all() and rows.max() <= 2


def test_large_images_give_more_crops_than_small_ones() -> None:
    small, large = np.zeros((1, 32, 32), np.float32), np.ones((1, 96, 96), np.float32)
    _, targets = HiddenPixels([small, large], "masked", size=32, seed=0).batch(0, 300)
    assert targets[:, 0].mean().item() == pytest.approx(0.9, abs=0.05)


def check_that_it_says_how_little_it_learned(found: dict[str, Any], package: Path) -> None:
    comparison = found["comparison"]
    assert found["recommended"] == comparison["recommended"] == "start"
    assert comparison["sentence"].startswith("the network is not shown to tell hidden pixels better")
    assert comparison["values"]["network"]["value"] > comparison["values"]["mean of neighbours"]["value"]
    assert "pixel_sha256" not in found["split"]["train"]
    own = yaml.safe_load((package / "bioimageio.yaml").read_text())["config"]["veriscope"]
    assert own["training"]["split"]["test"]["pixel_sha256"]
    assert "before you use it" in own["card"]["limits"][-1]
    readme = (package / "README.md").read_text()
    assert "before you use it" in readme
    assert "Trained on https://example.org/noise: 3 images without labels, 2 steps" in readme
    assert "Licence: CC0-1.0." in readme and own["card"]["licence"] == "CC0-1.0"
    assert yaml.safe_load((package / "bioimageio.yaml").read_text())["license"] == "CC0-1.0"
    assert not package.with_name(f"{package.name}.unfinished").exists()


def test_a_masked_network_is_a_start(noisy: Path, discs: Path, tmp_path: Path) -> None:
    settings = tiny(steps=2, licence="CC0-1.0", data_url="https://example.org/noise")
    made = train_without_labels(noisy / "noisy", tmp_path / "masked", settings, task="masked")
    check_that_it_says_how_little_it_learned(made, tmp_path / "masked")
    said: list[str] = []
    found = train_files(
        discs / "images",
        discs / "labels",
        tmp_path / "out",
        TrainSettings(start=str(tmp_path / "masked"), steps=1, crop=64, batch=2, device="cpu"),
        say=said.append,
    )
    assert found["head"] == "flow"
    assert found["comparison"] is None
    assert any("there is nothing to compare" in sentence for sentence in said)


def test_a_transformer_that_learned_without_labels_is_a_start_whose_encoder_is_kept(
    noisy: Path, discs: Path, tmp_path: Path
) -> None:
    small = {"architecture": "vit", "widths": (32, 32), "crop": 96, "batch": 2, "steps": 2}
    found = train_without_labels(noisy / "noisy", tmp_path / "masked", tiny(**small), task="masked")
    assert found["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    known = find_network(str(tmp_path / "masked"))
    assert (known.architecture, known.widths, known.head) == ("vit", (32, 32), "masked")
    tuned = train_files(
        discs / "images",
        discs / "labels",
        tmp_path / "out",
        TrainSettings.parse(
            {"start": str(tmp_path / "masked"), "steps": 2, "tune": "head", "batch": 2, "device": "cpu"},
            where="test",
        ),
    )
    assert tuned["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    after = find_network(str(tmp_path / "out"))
    assert (after.architecture, after.head) == ("vit", "flow")
    first, second = (one.network(1, FlowHead()).state_dict() for one in (known, after))
    same = {key for key in first if torch.equal(first[key], second[key])}
    assert {key for key in first if not key.startswith("decoder.")} <= same
    assert not {key for key in first if key.startswith("decoder.head")} & same


def test_patches_do_not_remove_noise_of_single_pixels(noisy: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="noise is local, and patches blur it"):
        train_without_labels(noisy / "noisy", tmp_path / "out", TrainSettings(architecture="vit"), task="n2v")
    assert not list(tmp_path.iterdir())


def test_too_few_images_are_refused(noisy: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least three"):
        train_without_labels(noisy / "noisy" / "i0.tif", tmp_path / "out", tiny(), task="n2v")


def test_brightness_is_scaled_as_the_package_says() -> None:
    pixels = np.random.default_rng(0).integers(0, 60000, (1, 50, 50)).astype(np.uint16)
    low, high = np.percentile(scale_brightness(pixels), (1.0, 99.8))
    assert (low, high) == pytest.approx((0, 1), abs=1e-4)


class Begun(Exception):
    """Raised where the loop would begin."""


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the loop of training was asked for, each time; it does not begin."""
    asked: list[dict[str, Any]] = []

    def fit(network: Any, sampler: Any, loss_of: Any, settings: FitSettings, **options: Any) -> None:
        asked.append(options | {"settings": settings, "sampler": sampler, "network": network})
        raise Begun

    monkeypatch.setattr(self_supervised, "fit", fit)
    return asked


def test_time_rate_and_seed_reach_the_loop(noisy: Path, tmp_path: Path, begun: list[dict[str, Any]]) -> None:
    given = {"minutes": 3, "clock": "processor", "seed": 5, "batch": 2, "widths": (4, 8), "device": "cpu"}
    for more in ({}, {"rate": 0.02}):
        settings = TrainSettings.parse(given | more, where="test")
        with pytest.raises(Begun):
            train_without_labels(noisy / "noisy", tmp_path / "out", settings, task="n2v")
    usual, faster = (one["settings"] for one in begun)
    assert (usual.minutes, usual.steps, usual.clock) == (3, None, "processor")
    assert (usual.seed, usual.batch, usual.rate, faster.rate) == (5, 2, 1e-3, 0.02)
    assert not usual.begun
    assert begun[0]["checkpoint"] == tmp_path / "out.unfinished" / "checkpoint.pt"
    assert begun[0]["sampler"].seed == 5
    assert not list(tmp_path.iterdir())


def test_what_decides_the_weights_decides_whether_a_training_goes_on(
    noisy: Path, tmp_path: Path, begun: list[dict[str, Any]]
) -> None:
    cards = {"threads": 1, "licence": "CC0-1.0", "data_url": "https://example.org"}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("masked", {}),
        ("masked", cards),
        ("n2v", {}),
        ("masked", {"seed": 2}),
        ("masked", {"crop": 96}),
    ]
    for task, options in asked:
        with pytest.raises(Begun):
            train_without_labels(noisy / "noisy", tmp_path / "out", tiny(**options), task=task)  # type: ignore[arg-type]
    with pytest.raises(Begun):
        train_without_labels(noisy / "clean", tmp_path / "out", tiny(), task="masked")
    first, same, *others = (one["identity"] for one in begun)
    assert first == same
    assert len({first, *others}) == 5


def test_a_training_that_was_stopped_says_that_it_goes_on(
    noisy: Path, tmp_path: Path, begun: list[dict[str, Any]]
) -> None:
    said: list[str] = []
    for _ in range(2):
        with pytest.raises(Begun):
            train_without_labels(noisy / "noisy", tmp_path / "out", tiny(), task="masked", say=said.append)
        checkpoint: Path = begun[0]["checkpoint"]
        assert (
            said
            == ["a training that was stopped goes on; what it took counts the last run alone"][
                : int(checkpoint.exists())
            ]
        )
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.write_bytes(b"left by a run")


def test_what_cannot_be_made_is_refused_before_an_image_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for output, options, message in (
        (
            tmp_path / "mine",
            {},
            f"{tmp_path / 'mine'}: exists and is no package of a network; choose another -o",
        ),
        (
            tmp_path / "net.zip",
            {},
            f"{tmp_path / 'net.zip'}: give the name of a folder for the package, such as -o my-network",
        ),
        (
            tmp_path / "net",
            {"licence": "mine alone"},
            "--licence 'mine alone' is no name of a licence by SPDX; write one such as CC-BY-4.0, CC0-1.0, "
            "MIT or BSD-3-Clause (https://spdx.org/licenses)",
        ),
    ):
        with pytest.raises(InputError) as error:
            train_without_labels(tmp_path / "not-there", output, tiny(**options), task="n2v")
        assert str(error.value) == message
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]
