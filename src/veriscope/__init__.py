"""Veriscope: from microscope images to a measurement you can defend.

The names below are loaded when they are used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veriscope.core.image import Image as Image
    from veriscope.core.prediction import Prediction as Prediction
    from veriscope.datasets.simulate import SimulationSettings as SimulationSettings
    from veriscope.datasets.simulate import simulate_image as simulate_image
    from veriscope.datasets.study import simulate_study as simulate_study
    from veriscope.errors import VeriscopeError as VeriscopeError
    from veriscope.io.folders import find_images as find_images
    from veriscope.io.images import read_image as read_image
    from veriscope.io.labels import read_labels as read_labels
    from veriscope.io.labels import write_labels as write_labels
    from veriscope.measure.table import measure_objects as measure_objects
    from veriscope.methods.base import Method as Method
    from veriscope.predict.folder import predict_folder as predict_folder
    from veriscope.registry import make_method as make_method
    from veriscope.registry import method_names as method_names
    from veriscope.trust.estimate import estimate as estimate
    from veriscope.trust.units import DrawnUnits as DrawnUnits
    from veriscope.validate.agreement import bland_altman as bland_altman
    from veriscope.validate.application.report import check_application as check_application
    from veriscope.validate.detections import compare_detections as compare_detections
    from veriscope.validate.fingerprint.recommend import recommend as recommend
    from veriscope.validate.instances import compare_instances as compare_instances
    from veriscope.validate.ranking import rank as rank
    from veriscope.workflow.comparison.folders import compare_folders as compare_folders
    from veriscope.workflow.measure_files import measure_folder as measure_folder
    from veriscope.workflow.study import Study as Study

__version__ = "0.1.0"

_HOMES = {
    "DrawnUnits": "trust.units",
    "Image": "core.image",
    "Method": "methods.base",
    "Prediction": "core.prediction",
    "SimulationSettings": "datasets.simulate",
    "Study": "workflow.study",
    "VeriscopeError": "errors",
    "bland_altman": "validate.agreement",
    "check_application": "validate.application.report",
    "compare_detections": "validate.detections",
    "compare_folders": "workflow.comparison.folders",
    "compare_instances": "validate.instances",
    "estimate": "trust.estimate",
    "find_images": "io.folders",
    "make_method": "registry",
    "measure_folder": "workflow.measure_files",
    "measure_objects": "measure.table",
    "method_names": "registry",
    "predict_folder": "predict.folder",
    "rank": "validate.ranking",
    "read_image": "io.images",
    "read_labels": "io.labels",
    "recommend": "validate.fingerprint.recommend",
    "simulate_image": "datasets.simulate",
    "simulate_study": "datasets.study",
    "write_labels": "io.labels",
}

__all__ = [
    "DrawnUnits",
    "Image",
    "Method",
    "Prediction",
    "SimulationSettings",
    "Study",
    "VeriscopeError",
    "bland_altman",
    "check_application",
    "compare_detections",
    "compare_folders",
    "compare_instances",
    "estimate",
    "find_images",
    "make_method",
    "measure_folder",
    "measure_objects",
    "method_names",
    "predict_folder",
    "rank",
    "read_image",
    "read_labels",
    "recommend",
    "simulate_image",
    "simulate_study",
    "write_labels",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'veriscope' has no attribute {name!r}")
    return getattr(import_module(f"veriscope.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
