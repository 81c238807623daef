"""Post-processing is chosen by validation images alone, and not without need."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.heads.star import StarHead
from veriscope.training.judging.choose import choose_settings
from veriscope.training.packaging.package import PackageFacts, write_package
from veriscope.validate.instances import compare_instances

PACKAGE = NucleiFluorescence.package


def nuclei(seed: int, *, debris: int = 0) -> tuple[Image, np.ndarray]:
    """Bright discs 20 pixels wide in a grid, and small ones that are no nuclei."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((128, 128))
    labels = np.zeros(y.shape, np.int32)
    light = np.zeros(y.shape)
    for cy in (20, 62, 104):
        for cx in (20, 62, 104):
            inside = np.hypot(y - cy - rng.uniform(-5, 5), x - cx - rng.uniform(-5, 5)) < 10
            labels[inside] = labels.max() + 1
            light[inside] = rng.uniform(0.7, 1.3)
    for cy, cx in rng.permutation([(a, b) for a in (41, 83) for b in (41, 83)])[:debris]:
        light[np.hypot(y - cy, x - cx) < 4.5] = 1.0
    return Image(rng.poisson(200 + 900 * light).astype(np.uint16), "yx"), labels


def f1(package: NetworkPackage, cases: list[tuple[Image, np.ndarray]]) -> float:
    method = InstanceNetwork.of(package, name="candidate")()
    found = [method.predict(image).labels for image, _ in cases]
    return float(compare_instances([labels for _, labels in cases], found).metrics["f1@0.5"].value or 0)


def test_what_suffices_is_kept_and_the_record_says_by_what() -> None:
    cases = [nuclei(seed) for seed in range(2)]
    choice = choose_settings(PACKAGE, *zip(*cases, strict=True))
    kept = {"calibration", "scale_search"}
    assert choice.settings.model_dump(exclude=kept) == PACKAGE.settings.model_dump(exclude=kept)
    assert choice.settings.scale_search
    assert choice.record["n_images"] == 2
    assert choice.record["n_objects"] == 18
    assert choice.record["f1_after"] == choice.record["f1_before"] > 0.8


def test_debris_is_dropped_by_what_is_chosen() -> None:
    loose = PACKAGE.settings.model_copy(update={"smallest_area": 10, "object_threshold": 0.0})
    package = replace(PACKAGE, settings=loose)
    choice = choose_settings(package, *zip(*[nuclei(seed, debris=4) for seed in range(3)], strict=True))
    assert choice.record["f1_after"] > choice.record["f1_before"]
    others = [nuclei(seed, debris=4) for seed in (7, 8)]
    assert f1(replace(package, settings=choice.settings), others) > f1(package, others) + 0.05


def test_where_the_truth_is_not_known_nothing_counts() -> None:
    cases = [nuclei(seed, debris=4) for seed in range(2)]
    blind = [np.where(labels > 0, labels, -1) for _, labels in cases]
    choice = choose_settings(PACKAGE, [image for image, _ in cases], blind)
    assert choice.settings.smallest_area == PACKAGE.settings.smallest_area
    assert choice.record["f1_before"] > 0.8


def test_groups_speak_with_one_voice_each() -> None:
    easy, hard = nuclei(0), nuclei(1)
    wrong = np.roll(hard[1], 30, axis=1)
    images, labels = [easy[0], hard[0], hard[0], hard[0]], [easy[1], wrong, wrong, wrong]
    pooled = choose_settings(PACKAGE, images, labels).record["f1_before"]
    even = choose_settings(PACKAGE, images, labels, groups=["a", "b", "b", "b"]).record["f1_before"]
    assert even > pooled + 0.1


def test_images_without_objects_choose_nothing() -> None:
    image, labels = nuclei(0)
    with pytest.raises(InputError, match=r"validation images \(1\) have no object"):
        choose_settings(PACKAGE, [image], [np.zeros_like(labels)])


def test_a_star_that_has_learned_nothing_is_not_asked_for_ever_more_polygons(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="training needs the extra train")
    torch.manual_seed(0)
    head, network = StarHead(8), StarConvex(1, 9, widths=(4, 8)).eval()
    plain = {"head": "star", "stride": network.stride, "halo": 8, "best_diameter": 20.0}
    settings = NetworkSettings.parse(plain, where="test")
    write_package(
        network, head, tmp_path / "star", settings=settings, facts=PackageFacts("star", {"summary": "star"})
    )
    content = yaml.safe_load((tmp_path / "star" / "bioimageio.yaml").read_text())
    package = NetworkPackage.read(tmp_path / "star", content, where="star")
    image, labels = nuclei(0)
    part = Image(image.pixels[:72, :72], "yx"), np.where(labels == 1, 1, 0)[:72, :72]
    record = choose_settings(package, [part[0]], [part[1]]).record
    assert record["n_objects"] == 1
    # Of the thresholds 0.6, 0.5, 0.4 and 0.3, with 4 areas and 6 probabilities each, the last is left out.
    assert record["tried"] <= 3 * 4 * 6
