"""Average precision and box IoU by pycocotools; run with the Python of its environment.

::

    python coco_average_precision.py CASES.json

A case is ``{"n_images": int, "classes": int, "references": [[image, class, x, y, w, h], …],
"detections": [[image, class, x, y, w, h, score], …]}``, images and classes from 0. Prints one JSON list:
per case AP@[.50:.05:.95] and AP@.50 with 100 detections per image, -1 where undefined, and the IoU of all
boxes of the references with all of the detections.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def dataset(case: dict[str, Any], boxes: list[list[float]]) -> COCO:
    """Make the index of one side; ids start at 1, because pycocotools takes 0 for unmatched."""
    found = COCO()
    found.dataset = {
        "images": [{"id": i + 1} for i in range(case["n_images"])],
        "categories": [{"id": i + 1} for i in range(case["classes"])],
        "annotations": [
            {
                "id": i + 1,
                "image_id": int(box[0]) + 1,
                "category_id": int(box[1]) + 1,
                "bbox": box[2:6],
                "area": box[4] * box[5],
                "iscrowd": 0,
                **({"score": box[6]} if len(box) > 6 else {}),
            }
            for i, box in enumerate(boxes)
        ],
    }
    found.createIndex()
    return found


def evaluate(case: dict[str, Any]) -> dict[str, Any]:
    """Evaluate one case."""
    evaluation = COCOeval(dataset(case, case["references"]), dataset(case, case["detections"]), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    boxes = [np.array([box[2:6] for box in case[side]]) for side in ("references", "detections")]
    ious = mask.iou(*boxes, [0] * len(boxes[1])) if all(map(len, boxes)) else np.empty((0, 0))
    return {
        "ap": float(evaluation.stats[0]),
        "ap50": float(evaluation.stats[1]),
        "ious": np.asarray(ious).tolist(),
    }


def main() -> None:
    """Evaluate all cases; pycocotools prints, so that its output is caught."""
    with contextlib.redirect_stdout(io.StringIO()):
        results = [evaluate(case) for case in json.loads(Path(sys.argv[1]).read_text())]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
