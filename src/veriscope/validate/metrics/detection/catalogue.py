"""What users are told about metrics of detections and about localisation criteria."""

from __future__ import annotations

from math import inf

from veriscope.validate.metrics.description import Description

__all__ = ["CRITERIA", "DESCRIPTIONS", "METRICS"]

_TASKS = ("detection", "instance")
_RELOADED = "Maier-Hein, Reinke and others, Metrics reloaded, Nature Methods 2024"
_ONE_SIDE = "no object on either side: undefined; on one side only: 0"
_CURVE = "no reference object: undefined; some, but no prediction: 0"


def _share(
    key: str, name: str, formula: str, empty: str, use: str, avoid: str, source: str, function: str
) -> Description:
    return Description(key, name, _TASKS, formula, 0.0, 1.0, 1.0, empty, use, avoid, source, function)


METRICS: tuple[Description, ...] = (
    _share(
        "f1",
        "F1 of objects",
        "2 TP / (2 TP + FP + FN), TP by the criterion of rule S8",
        _ONE_SIDE,
        "When missed and invented objects cost the same and the threshold of confidence is fixed.",
        "Without saying criterion and assignment; where one kind of error is worse.",
        "Dice 1945; van Rijsbergen 1979",
        "metrics.instance.detection.f1",
    ),
    _share(
        "f_beta",
        "F-beta of objects",
        "(1 + β²) TP / ((1 + β²) TP + β² FN + FP)",
        _ONE_SIDE,
        "When missed objects are worse (β above 1) or invented ones are (β below 1).",
        "Without saying β; to compare values of different β.",
        "van Rijsbergen, Information retrieval, 1979",
        "metrics.detection.f_beta.f_beta",
    ),
    _share(
        "precision",
        "Precision of objects, positive predictive value",
        "TP / (TP + FP)",
        "no predicted object: undefined",
        "Beside recall, to show which error dominates.",
        "Alone: predicting only the surest object makes it 1.",
        "Kent and others 1955",
        "metrics.instance.detection.precision",
    ),
    _share(
        "recall",
        "Recall of objects, sensitivity",
        "TP / (TP + FN)",
        "no reference object: undefined",
        "Beside precision, to show which error dominates.",
        "Alone: predicting objects everywhere makes it 1.",
        "Kent and others 1955",
        "metrics.instance.detection.recall",
    ),
    _share(
        "average_precision",
        "Average precision (AP) of objects, without interpolation",
        "Σ (recall - recall before) · precision over falling confidence, ties together; mean over classes",
        _CURVE,
        "When predictions have scores and all thresholds are to be judged.",
        "To compare with values from COCO, VOC or StarDist, which are other metrics of the same name.",
        _RELOADED,
        "metrics.detection.average_precision.average_precision",
    ),
    _share(
        "coco_average_precision",
        "Average precision of COCO, AP@[.50:.05:.95]",
        "best precision at a recall or higher, mean over 101 recalls, 10 IoU thresholds, and classes",
        _CURVE,
        "To compare with published values of detectors.",
        "On images with more than 100 objects of a class, unless the limit of detections is lifted.",
        "Lin and others, Microsoft COCO, ECCV 2014, and its evaluation code",
        "metrics.detection.average_precision.coco_average_precision",
    ),
    _share(
        "froc",
        "FROC score",
        "mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per image",
        _CURVE,
        "When false alarms per image are what users notice, with rare objects and many empty images.",
        "When images differ in size, or these rates are far from those of use: then choose and state others.",
        "Bunch and others 1977; Niemeijer and others, IEEE TMI 2011",
        "metrics.detection.froc.froc_score",
    ),
    _share(
        "sensitivity@fppi",
        "Sensitivity at a rate of false positives per image",
        "largest TP / (TP + FN) at a threshold with at most R false positives per image",
        _CURVE,
        "When a number of false alarms per image is acceptable and known.",
        "On few images: with 8 images and R = 1/8 it hangs on a single false positive.",
        _RELOADED,
        "metrics.detection.froc.sensitivity_at_fppi",
    ),
    Description(
        key="count_bias",
        name="Relative error of the number of objects",
        tasks=_TASKS,
        formula="(predicted objects - reference objects) / reference objects",
        low=-1.0,
        high=inf,
        best=0.0,
        empty="no reference object: undefined",
        use="Beside F1, when numbers of objects are the result.",
        avoid="Alone: missed and invented objects cancel.",
        source="ours",
        function="metrics.instance.counts.count_bias",
    ),
)

_NONE = "no candidate pairs"

CRITERIA: tuple[Description, ...] = (
    _share(
        "box_iou",
        "Box IoU",
        "intersection / union of two boxes, last pixel not included",
        _NONE,
        "For compact objects of which there are only boxes.",
        "For slanted, thin or branched objects, whose boxes are mostly background; for small objects.",
        "Everingham and others, PASCAL VOC, IJCV 2010",
        "localise.boxes.box_iou",
    ),
    _share(
        "mask_iou",
        "Mask IoU",
        "shared pixels / pixels in either object",
        _NONE,
        "The default where there are label images.",
        "For objects of a few pixels, and for rough references.",
        _RELOADED,
        "localise.masks.mask_iou",
    ),
    _share(
        "boundary_iou",
        "Boundary IoU of objects",
        "shared pixels of both rims / pixels in either rim",
        _NONE,
        "When an object counts as found only if its outline fits.",
        "When the reference is rough, or rims are as wide as the objects (then it is the mask IoU).",
        "Cheng and others, CVPR 2021",
        "localise.masks.boundary_iou",
    ),
    _share(
        "intersection_over_reference",
        "Intersection over reference, IoR",
        "shared pixels / pixels of the reference object",
        _NONE,
        "When predictions may be larger than references, as with rough or partial outlines.",
        "When too large or merged predictions are errors: one over the whole image fits everything.",
        _RELOADED,
        "localise.masks.intersection_over_reference",
    ),
    _share(
        "point_in_mask",
        "Point in mask",
        "1 if the centre of one side lies in the mask or box of the other",
        _NONE,
        "For points against outlines, and for rough references.",
        "For objects with a hole or a bend, whose centre may lie outside.",
        _RELOADED,
        "localise.points.point_in_mask",
    ),
    Description(
        key="centre_distance",
        name="Centre distance",
        tasks=_TASKS,
        formula="Euclidean distance of the centres, at most a tolerance",
        low=0.0,
        high=inf,
        best=0.0,
        empty=_NONE,
        use="When only the place counts, or objects are too small for overlap.",
        avoid="When objects differ much in size: one tolerance is then too strict or too lax.",
        source=_RELOADED,
        function="localise.points.centre_distance",
    ),
)

DESCRIPTIONS = METRICS + CRITERIA
