"""A lesson before its first step: rate, widths, kind of network, how long it is learned, what is told."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from tests.training.conftest import disc_images

from veriscope.errors import MethodError
from veriscope.training.architectures.lora import AdaptedLinear
from veriscope.training.heads.base import Head
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.star import StarHead
from veriscope.training.images.augment import Sampler
from veriscope.training.images.box_crops import BoxImage, BoxSampler
from veriscope.training.images.class_crops import ClassImage, ClassSampler
from veriscope.training.images.light import Augmentation
from veriscope.training.loop import lesson as lesson_module
from veriscope.training.loop.learn import crop_side, fit_settings, make_sampler, reporter, set_up_torch
from veriscope.training.loop.lesson import Lesson
from veriscope.training.loop.steps import Fitted
from veriscope.training.networks.build import usual_widths
from veriscope.training.networks.known import KnownNetwork
from veriscope.training.settings import TrainSettings


def lesson(head: Head | None = None, start: Any = None, *, device: str = "cpu", **options: Any) -> Lesson:
    settings = TrainSettings.parse(options | ({"start": "old"} if start else {}), where="test")
    return Lesson(head or FlowHead(), 1, settings, device, start, Augmentation())


def known(**changed: Any) -> KnownNetwork:
    """A network that a training starts from, of which only the description is there."""
    plain: dict[str, Any] = {"settings": {}, "card": {}, "training": {"widths": [4, 8]}}
    return KnownNetwork("old", "old", Path("none"), "0" * 64, **plain | changed)


@pytest.mark.parametrize(
    ("options", "has_start", "rate"),
    [
        ({}, False, 2e-3),
        ({}, True, 1e-3),
        ({"tune": "head"}, True, 6e-4),
        ({"tune": "lora"}, True, 6e-4),
        ({"rate": 0.5}, False, 0.5),
        ({"rate": 1e-6, "tune": "head"}, True, 1e-6),
    ],
)
def test_new_weights_learn_fast_and_those_of_a_start_slowly(
    options: dict[str, Any], has_start: bool, rate: float
) -> None:
    assert lesson(start=known() if has_start else None, **options).rate() == rate


@pytest.mark.parametrize(
    ("head", "asked", "kind"),
    [
        (FlowHead(), "unet", "unet"),
        (StarHead(), "vit", "vit"),
        (BoxHead(("a",)), "unet", "boxes"),
        (ClassificationHead(("a", "b")), "unet", "classifier"),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_kind_of_network_follows_the_head_and_its_widths_the_device(
    head: Head, asked: str, kind: str, device: str
) -> None:
    one = lesson(head, architecture=asked, device=device)
    assert one.architecture == kind
    assert one.widths() == usual_widths(kind, device=device)
    assert lesson(head, architecture=asked, widths=(32, 32)).widths() == (32, 32)


def test_a_start_keeps_its_widths_whatever_was_asked_for() -> None:
    assert lesson(start=known(), widths=(64,)).widths() == (4, 8)


def test_the_seed_decides_the_first_weights_and_nothing_that_went_before() -> None:
    first = lesson(widths=(4, 8), seed=3).network().state_dict()
    torch.rand(100)
    again, other = (lesson(widths=(4, 8), seed=seed).network().state_dict() for seed in (3, 4))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["head.weight"], other["head.weight"])


class Told(KnownNetwork):
    """A start that gives a network of new weights, and keeps what it was asked for."""

    __slots__ = ()
    asked: ClassVar[list[Any]] = []

    def network(self, n_channels: int, head: Head, *, sees: Any = None) -> torch.nn.Module:
        self.asked.append((n_channels, head.name, sees))
        return lesson_module.make_network(self.architecture, n_channels, head, widths=self.widths, norm=False)


def told(**changed: Any) -> Told:
    plain = known(**changed)
    return Told(**{name: getattr(plain, name) for name in KnownNetwork.__dataclass_fields__})


@pytest.mark.parametrize(
    ("head", "settings", "widths", "last"),
    [
        (FlowHead(), {}, [4, 8], {"head"}),
        (StarHead(4), {"head": "star"}, [4, 8], {"centre", "rays"}),
        (FlowHead(), {"architecture": "vit"}, [32], {"decoder"}),
        (BoxHead(("a",)), {"head": "boxes", "architecture": "boxes"}, [4, 8, 8], {"head"}),
    ],
)
def test_tuning_the_head_leaves_only_its_parts_to_learn(
    head: Head, settings: dict[str, Any], widths: list[int], last: set[str]
) -> None:
    start = told(settings=settings, training={"widths": widths})
    network = lesson(head, start, tune="head").network(sees="density")
    assert start.asked[-1] == (1, head.name, "density")
    learned = {name.split(".")[0] for name, one in network.named_parameters() if one.requires_grad}
    frozen = {name.split(".")[0] for name, one in network.named_parameters() if not one.requires_grad}
    assert learned == last and not learned & frozen and frozen
    every = lesson(head, start).network()
    assert all(one.requires_grad for one in every.parameters())


def test_low_rank_additions_go_to_a_transformer_beside_its_decoder() -> None:
    start = told(settings={"architecture": "vit"}, training={"widths": [32]})
    network = lesson(start=start, tune="lora").network()
    adapted = {name for name, one in network.named_modules() if isinstance(one, AdaptedLinear)}
    assert adapted == {f"layers.0.{part}" for part in ("query_key_value", "join", "mix.0", "mix.2")}
    learned = {name for name, one in network.named_parameters() if one.requires_grad}
    assert all(name.startswith("decoder.") or name.endswith((".up", ".down")) for name in learned)
    with pytest.raises(MethodError) as error:
        lesson(start=told(), tune="lora").network()
    assert str(error.value) == (
        "--tune lora adds low-rank weights to the linear layers of a transformer, and this network has none; "
        "choose --tune head or --tune all, or start from a vit"
    )


@pytest.mark.parametrize(
    ("minutes", "share", "save"), [(20, 1.0, 1.0), (200, 1.0, 2.0), (1, 1.0, 0.1), (20, 0.25, 0.25)]
)
def test_checkpoints_are_written_every_twentieth_of_the_time_within_limits(
    minutes: float, share: float, save: float
) -> None:
    asked = TrainSettings(minutes=minutes, clock="processor", batch=3, seed=7)
    made = fit_settings(asked, rate=0.25, share=share, begun=True)
    assert (made.minutes, made.save_minutes) == (minutes * share, pytest.approx(save))
    assert (made.clock, made.batch, made.seed, made.rate, made.begun) == ("processor", 3, 7, 0.25, True)
    assert made.steps is None


@pytest.mark.parametrize(
    ("steps", "share", "taken"), [(10, 1.0, 10), (10, 0.25, 2), (3, 0.125, 1), (1, 0.01, 1)]
)
def test_a_share_of_the_steps_is_at_least_one(steps: int, share: float, taken: int) -> None:
    assert fit_settings(TrainSettings(steps=steps), rate=1.0, share=share).steps == taken


def test_progress_counts_seconds_or_steps_and_never_more_than_there_are(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    report = reporter(None, lambda *step: seen.append(step), "learn", TrainSettings(minutes=2))
    for part in (0.0, 0.5, 1.0, 1.3):
        report(Fitted(), part)
    assert seen == [("learn", 0, 120), ("learn", 60, 120), ("learn", 120, 120), ("learn", 120, 120)]
    seen.clear()
    reporter(None, lambda *step: seen.append(step), "curve", TrainSettings(steps=40), share=0.25)(
        Fitted(), 0.5
    )
    assert seen == [("curve", 5, 10)]
    seen.clear()
    reporter(None, lambda *step: seen.append(step), "learn", TrainSettings(minutes=0.001))(Fitted(), 1.0)
    assert seen == [("learn", 1, 1)]


def test_long_histories_are_thinned_and_losses_that_are_no_number_yet_are_empty(tmp_path: Path) -> None:
    state = Fitted(
        step=9, minutes=3.14159, history=[(i / 10, math.nan if i == 0 else 1.0) for i in range(2000)]
    )
    state.checks.append((4, 1.5, 0.25))
    report = reporter(tmp_path / "c.pt", lambda *_: None, "learn", TrainSettings())
    report(state, 1.2)
    written = json.loads((tmp_path / "progress.json").read_text())
    assert (written["stage"], written["part"], written["minutes"], written["step"]) == (
        "learn",
        1.0,
        3.142,
        9,
    )
    assert 400 <= len(written["history"]) < 800
    assert written["history"][0] == [0.0, None] and written["history"][1] == [0.5, 1.0]
    assert written["checks"] == [[4, 1.5, 0.25]]


def test_what_draws_crops_follows_the_head() -> None:
    pixels = np.zeros((1, 40, 40), np.float32)
    boxed = BoxImage(pixels, np.array([[4.0, 4, 20, 20]]), np.zeros(1, np.int64))
    cases: list[tuple[Head, list[Any], type]] = [
        (FlowHead(), disc_images(1), Sampler),
        (BoxHead(("a",), zoom=0.5), [boxed], BoxSampler),
        (ClassificationHead(("a", "b")), [ClassImage(pixels, 0)], ClassSampler),
    ]
    for head, images, kind in cases:
        sampler = make_sampler(lesson(head), images, Augmentation(), size=32, seed=4)
        assert isinstance(sampler, kind)
        assert (sampler.size, sampler.seed) == (32, 4)  # type: ignore[attr-defined]
        made, targets = sampler.batch(0, 2)
        assert made.shape == (2, 1, 32, 32) and len(targets) == 2


@pytest.mark.parametrize(
    ("stride", "crop", "side"), [(1, 33, 33), (16, 192, 192), (16, 193, 208), (96, 32, 96)]
)
def test_a_crop_is_a_multiple_of_the_stride(stride: int, crop: int, side: int) -> None:
    network = torch.nn.Module()
    network.stride = stride  # type: ignore[assignment]
    assert crop_side(network, TrainSettings(crop=crop)) == side


def test_torch_is_set_up_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    threads = torch.get_num_threads()
    try:
        assert set_up_torch(TrainSettings(threads=1, seed=11, steps=1, deterministic=True)) == "cpu"
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        first = torch.rand(3)
        set_up_torch(TrainSettings(seed=11))
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.equal(torch.rand(3), first)
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(threads)
