"""Settings of the simulator: what no microscope has is refused by name, whatever stands beside it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from veriscope.core.settings import Settings
from veriscope.datasets.camera import CameraSettings
from veriscope.datasets.optics import OpticsSettings
from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulationSettings
from veriscope.datasets.stain import StainSettings
from veriscope.datasets.study import GroupSettings, StudySettings
from veriscope.errors import InputError

# The rule stated a second time: smallest and largest value, and whether these are allowed themselves.
RANGES: dict[type[Settings], dict[str, tuple[float, float, str]]] = {
    CameraSettings: {
        "quantum_efficiency": (0, 1, "(]"),
        "dark_e": (0, 1e7, "[]"),
        "read_noise_e": (0, 1e7, "[]"),
        "gain_e_per_adu": (0, math.inf, "()"),
        "offset_adu": (0, math.inf, "[)"),
    },
    OpticsSettings: {
        "numerical_aperture": (0, 1.7, "(]"),
        "refractive_index": (1, 2, "[]"),
        "defocus_um": (-math.inf, math.inf, "()"),
        "defocus_sd_um": (0, math.inf, "[)"),
        "haze_fraction": (0, 1, "[]"),
        "haze_um": (0, math.inf, "()"),
        "vignetting": (0, 1, "[)"),
        "centre_sd": (0, math.inf, "[)"),
    },
    SceneSettings: {
        "height_px": (16, math.inf, "[)"),
        "width_px": (16, math.inf, "[)"),
        "pixel_size_um": (0, math.inf, "()"),
        "density_per_mm2": (0, 1e6, "[]"),
        "diameter_um": (0, math.inf, "()"),
        "diameter_cv": (0, 1, "[]"),
        "elongation": (1, 4, "[]"),
        "roughness": (0, 0.2, "[]"),
        "clustering": (0, 1, "[]"),
        "max_overlap": (0, 0.5, "[]"),
        "min_pixels": (1, math.inf, "[)"),
    },
    StainSettings: {
        "wavelength_nm": (100, 2000, "()"),
        "photons": (0, 1e7, "[]"),
        "object_cv": (0, 2, "[]"),
        "positive_fraction": (0, 1, "[]"),
        "negative_level": (0, 1, "[]"),
        "edge_softness": (0, 2, "[]"),
        "texture": (0, 1, "[]"),
        "texture_um": (0, math.inf, "()"),
        "spots": (0, 1e4, "[]"),
        "spot_um": (0, math.inf, "()"),
        "spot_contrast": (-1, 10, "[]"),
        "background": (0, 1e7, "[]"),
        "background_variation": (0, 1, "[]"),
        "debris_per_mm2": (0, 1e6, "[]"),
        "debris_um": (0, math.inf, "()"),
    },
    GroupSettings: {
        "density_factor": (0, 1000, "[]"),
        "diameter_factor": (0, 1000, "(]"),
        "intensity_factor": (0, 1000, "[]"),
        "positive_factor": (0, math.inf, "[)"),
    },
    StudySettings: {
        "replicates": (1, math.inf, "[)"),
        "images_per_replicate": (1, math.inf, "[)"),
        "density_sd": (0, 1, "[]"),
        "diameter_sd": (0, 1, "[]"),
        "intensity_sd": (0, 1, "[]"),
    },
}
WHOLE = {"height_px", "width_px", "min_pixels", "replicates", "images_per_replicate"}
FIELDS = [(kind, name) for kind, ranges in RANGES.items() for name in ranges]
NAMED: dict[type[Settings], dict[str, Any]] = {
    GroupSettings: {"name": "control"},
    OpticsSettings: {"refractive_index": 2},  # no objective sees more than its medium lets through
}


def parse(kind: type[Settings], name: str, value: Any) -> Any:
    return getattr(kind.parse(NAMED.get(kind, {}) | {name: value}, where="settings"), name)


def ids(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def test_every_number_has_its_range_here() -> None:
    for kind, ranges in RANGES.items():
        numbers = {name for name, field in kind.model_fields.items() if field.annotation in (int, float)}
        assert numbers == set(ranges), kind.__name__


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=ids)
def test_the_ends_of_a_range_belong_to_it_or_not(kind: type[Settings], name: str) -> None:
    low, high, ends = RANGES[kind][name]
    for end, is_in in ((low, ends[0] == "["), (high, ends[1] == "]")):
        if not math.isfinite(end):
            continue
        if is_in:
            assert parse(kind, name, end) == end
        else:
            with pytest.raises(InputError, match=name):
                parse(kind, name, end)
        step = 1 if name in WHOLE else 1e-6 * max(1, abs(end))
        beyond = end - step if end == low else end + step
        with pytest.raises(InputError, match=name):
            parse(kind, name, beyond)


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=ids)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "many", [1]], ids=str)
def test_what_is_no_number_is_refused_by_name(kind: type[Settings], name: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        parse(kind, name, value)
    assert f"- {name}: " in str(caught.value) and str(caught.value).startswith("settings: wrong options")


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_there_is_no_half_of_a_pixel_or_image(name: str) -> None:
    kind = next(kind for kind, field in FIELDS if field == name)
    with pytest.raises(InputError, match=name):
        parse(kind, name, 20.5)


@pytest.mark.parametrize("kind", RANGES, ids=ids)
def test_unknown_names_are_refused_with_those_there_are(kind: type[Settings]) -> None:
    with pytest.raises(InputError) as caught:
        kind.parse({"no_such": 1}, where="settings")
    assert "no_such" in str(caught.value) and f"Options are: {', '.join(kind.model_fields)}" in str(
        caught.value
    )


@pytest.mark.parametrize("kind", RANGES, ids=ids)
@given(data=st.data())
def test_settings_come_back_from_json_as_they_were(kind: type[Settings], data: st.DataObject) -> None:
    values: dict[str, Any] = dict(NAMED.get(kind, {}))
    for name, (low, high, ends) in RANGES[kind].items():
        if name in WHOLE:
            values[name] = data.draw(st.integers(int(low), 10**4))
            continue
        values[name] = data.draw(
            st.floats(
                max(low, -1e6), min(high, 1e6),
                exclude_min=ends[0] == "(" and math.isfinite(low),
                exclude_max=ends[1] == ")" and math.isfinite(high),
            )
        )  # fmt: skip
    assume(values.get("numerical_aperture", 0) < values.get("refractive_index", 1))
    settings = kind.parse(values, where="settings")
    assert kind.parse(json.loads(settings.model_dump_json()), where="settings") == settings


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_camera_has_as_many_values_as_its_bits(bits: int) -> None:
    assert CameraSettings.parse({"bit_depth": bits}, where="camera").saturation_adu == 2**bits - 1


@pytest.mark.parametrize("bits", [0, 1, 10, 14, 32, "16 bit", None])
def test_cameras_that_there_are_not(bits: object) -> None:
    with pytest.raises(InputError, match="bit_depth"):
        CameraSettings.parse({"bit_depth": bits}, where="camera")


def test_a_fault_deep_inside_is_told_with_its_place() -> None:
    deep = {"simulation": {"stains": [{"name": "DNA"}, {"name": "actin", "photons": -1}]}, "replicates": 0}
    with pytest.raises(InputError) as caught:
        StudySettings.parse(deep, where="my.yaml")
    assert "simulation.stains.1.photons" in str(caught.value) and "- replicates: " in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"stains": []},
        {"stains": [{"name": ""}]},
        {"stains": [{"name": "DNA"}, {"name": "DNA"}]},
        {"stains": "DNA"},
        {"scene": 5},
    ],
)
def test_simulations_of_nothing_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"stains|scene|names"):
        SimulationSettings.parse(values, where="simulation")


@pytest.mark.parametrize(
    "groups", [[], [{"name": ""}], [{}], [{"name": "a"}, {"name": "a"}], [{"name": "a b"}, {"name": "a-b"}]]
)
def test_groups_that_cannot_be_told_apart_are_refused(groups: list[Any]) -> None:
    with pytest.raises(InputError, match=r"groups|name"):
        StudySettings.parse({"groups": groups}, where="study")


@pytest.mark.parametrize(("aperture", "index"), [(1.0, 1.0), (1.4, 1.33), (1.7, 1.515)])
def test_no_objective_sees_more_than_its_medium_lets_through(aperture: float, index: float) -> None:
    given_ = {"numerical_aperture": aperture, "refractive_index": index}
    if aperture == index:
        given_["numerical_aperture"] = np.nextafter(index, 2)
    with pytest.raises(
        InputError, match=f"in a medium of refractive index {index:g}; oil has 1.515, water 1.33"
    ):
        OpticsSettings.parse(given_, where="optics")
    assert OpticsSettings.parse(given_ | {"numerical_aperture": 0.9 * index}, where="optics")
