"""docs/reference/simulator.md has every setting with its default and meaning."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.settings import Settings
from veriscope.datasets.camera import CameraSettings
from veriscope.datasets.optics import OpticsSettings
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.datasets.stain import StainSettings
from veriscope.datasets.study import GroupSettings, StudySettings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "simulator.md"


def settings_table(kind: type[Settings]) -> str:
    """The table that the page must hold: paste it there when this test fails."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in kind.model_fields.items():
        plain = isinstance(field.default, str | int | float)
        default = "required" if field.is_required() else f"`{field.default!r}`" if plain else "see above"
        meaning = re.sub(r"\s+", " ", field.description or "").replace("|", "\\|")
        lines.append(f"| `{name}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "kind", [SceneSettings, StainSettings, OpticsSettings, CameraSettings, GroupSettings, StudySettings]
)
def test_page_has_every_setting(kind: type[Settings]) -> None:
    assert settings_table(kind) in PAGE.read_text(encoding="utf-8")
    assert all(field.description for field in kind.model_fields.values())


def test_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert names["simulated"].n_objects > 0  # type: ignore[attr-defined]


def test_objects_cut_by_the_edge_raise_the_density_as_the_page_says() -> None:
    field_mm2 = (512 * 0.5e-3) ** 2
    scenes = [build_scene(SceneSettings(), np.random.default_rng(seed)) for seed in range(16)]
    densities = [scene.n_objects / field_mm2 for scene in scenes]
    expected = 1300 * 1.09
    assert sum(densities) / 16 == pytest.approx(expected, abs=3 * (expected / field_mm2 / 16) ** 0.5)
