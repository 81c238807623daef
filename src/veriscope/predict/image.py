"""Prediction of one image of any size, part by part, to an OME-Zarr label image.

Three stages: the method surveys the whole image; every part is predicted, and its objects kept as a
file; the objects are numbered and painted, sheet by sheet. The labels are the same, byte for byte,
whatever the size of the parts and the number of processes. A run that was killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.core.source import grid
from veriscope.errors import InputError, MethodError
from veriscope.io.atomic import make_folder, write_json
from veriscope.io.hashing import sha256_of
from veriscope.io.label_store import LabelStore, read_origin
from veriscope.methods.base import LocalMethod, Method
from veriscope.predict.paint_work import PaintWork, gather
from veriscope.predict.plan import plan_tiles
from veriscope.predict.reading import ChannelSource, Reading
from veriscope.predict.tile_work import TileWork
from veriscope.predict.units import Executor, HereExecutor, executor_for

__all__ = ["IMAGE_SCHEMA", "predict_image"]

IMAGE_SCHEMA = "veriscope/predict-image/1"
_FEW_SHEETS = 8


def predict_image(
    method: Method,
    source: str | Path,
    output: str | Path,
    *,
    reading: Reading | None = None,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the label image of one image as OME-Zarr, however large it is.

    Parameters
    ----------
    method
        Ready to predict.
    source
        Image file or OME-Zarr folder.
    output
        Folder to write, ending ``.ome.zarr``; must not exist, unless it is the result of just this.
        Until it is complete, work lies beside it in a folder ending ``.part``. What it took stands beside it
        in a file ending ``.record.json``.
    reading
        How the file is read; None: as it says.
    tile
        Length of the parts in pixels; None: chosen.
    memory
        Bytes for all processes together; None: not limited.
    workers
        Number of processes; 1 works in this one.
    executor
        Where parts are predicted, such as a cluster; the memory is that of each worker then. None: here, in
        `workers` processes.
    progress
        Told about every part and sheet.

    Returns
    -------
    dict
        ``veriscope/predict-image/1``.

    Raises
    ------
    MethodError
        If the method cannot work part by part.
    InputError
        If image, output or memory cannot be used.
    """
    started = time.perf_counter()
    reading, output = reading or Reading(), Path(output)
    if not isinstance(method, LocalMethod):
        raise MethodError(
            f"{method.name} needs the whole image at once (it is no LocalMethod), so it cannot be used on "
            "parts; predict without --tile and --memory"
        )
    if workers < 1:
        raise InputError(f"--workers {workers}: at least 1")
    pixels = reading.source(source)
    method.check(pixels.corner())
    _check_chunks(pixels, memory)
    origin = _origin(method, Path(source), reading)
    if output.exists():
        n_objects = _made_before(output, origin)
        _clear(output, origin)
        return _result(origin, output, n_objects, started)
    executor = executor or executor_for(workers)
    work = _start(method, pixels, origin, output, tile=tile, memory=memory, workers=workers)
    units = len(list(grid(pixels.shape, work.tile)))
    spent = _predict_parts(work, units, executor, progress)
    spent |= {"tile": list(work.tile), "workers": workers, "survey": work.survey.model_dump(mode="json")}
    store, n_objects = _paint_labels(work, units, executor, progress, origin=origin, output=output)
    spent |= {"n_lost": executor.n_lost, "done": True}
    result = _result(origin, output, n_objects, started) | spent
    # The record first: a result that is there has one.
    write_json(_record_path(output), result)
    store.finish()
    _clear(output, origin)
    return result


def _record_path(output: Path) -> Path:
    return output.with_name(f"{output.name.removesuffix('.zarr').removesuffix('.ome')}.record.json")


def _part_folder(output: Path) -> Path:
    return output.with_name(output.name + ".part")


def _clear(output: Path, origin: dict[str, Any]) -> None:
    """Remove what was kept to go on from, once the result is there."""
    plan = _read_plan(_part_folder(output))
    if plan is not None and plan["key"] == origin["key"]:
        shutil.rmtree(_part_folder(output))


def _check_chunks(pixels: ChannelSource, memory: int | None) -> None:
    """Refuse a file of which one piece is larger than the memory promised."""
    needed = pixels.stored.chunk_bytes
    if memory is not None and needed > memory // 4:
        raise InputError(
            f"{pixels.stored.path}: is stored in pieces of {needed} bytes that can only be decompressed "
            f"whole, more than a quarter of --memory ({memory} bytes); convert it first: open it on a "
            "computer with enough memory and save it as OME-Zarr or as tiled TIFF, for example with "
            f"vips tiffsave {pixels.name} tiled.tif --tile --compression deflate --bigtiff"
        )


def _origin(method: LocalMethod, source: Path, reading: Reading) -> dict[str, Any]:
    """Say what the labels depend on, and nothing else."""
    origin = {
        "schema": IMAGE_SCHEMA,
        "image": source.name,
        "sha256": sha256_of(source),
        "method": method.describe(),
        "reading": reading.model_dump(mode="json", exclude={"skip_bad"}),
        "evidence": "untested",
    }
    text = json.dumps({k: v for k, v in origin.items() if k != "image"}, sort_keys=True)
    return origin | {"key": hashlib.sha256(text.encode()).hexdigest()}


def _made_before(output: Path, origin: dict[str, Any]) -> int:
    """Give the number of objects of a result that is there already, if it is the one wanted."""
    found = read_origin(output)
    if found is None or found.get("key") != origin["key"]:
        what = "was not made by this program" if found is None else "was made otherwise"
        raise InputError(
            f"{output}: exists already and {what} (another image, method or option); choose another name "
            "or remove it"
        )
    return int(found["n_objects"])


def _start(
    method: LocalMethod,
    pixels: ChannelSource,
    origin: dict[str, Any],
    output: Path,
    *,
    tile: int | None,
    memory: int | None,
    workers: int,
) -> TileWork:
    """Survey and plan, or take up the survey and the plan of a run that was stopped."""
    folder = _part_folder(output)
    found = _read_plan(folder)
    if found is not None and found["key"] != origin["key"]:
        raise InputError(
            f"{folder}: holds an unfinished run of another image, method or option; remove the folder to "
            "start anew"
        )
    make_folder(folder / "parts")
    survey = method.survey(pixels) if found is None else method.SurveyType.model_validate(found["survey"])
    plan = plan_tiles(
        pixels.shape,
        method.footprint(survey),
        bytes_per_pixel=method.bytes_per_pixel,
        memory=memory,
        workers=workers,
        tile=tile,
    )
    sides = plan.tile
    if found is not None and tile is None:
        sides = tuple(found["tile"])
    elif found is not None and tuple(found["tile"]) != sides:
        shutil.rmtree(folder / "parts")
        make_folder(folder / "parts")
    content = {"key": origin["key"], "survey": survey.model_dump(mode="json"), "tile": list(sides)}
    write_json(folder / "plan.json", content)
    return TileWork(method, pixels, survey, sides, folder / "parts", plan.largest_crop)


def _read_plan(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _predict_parts(work: TileWork, units: int, executor: Executor, progress: Progress) -> dict[str, Any]:
    """Predict all parts that are not done yet, and say what it took."""
    missing = [unit for unit in range(units) if not work.path(unit).exists()]
    spent: dict[str, Any] = {"n_parts": units, "n_parts_now": len(missing)}
    spent |= dict.fromkeys(("n_grown", "n_cut", "n_pixels"), 0)
    done = units - len(missing)
    stage = f"predict {work.method.name}"
    progress(stage, done, units)
    for _, result in executor.run(work, missing):
        done += 1
        progress(stage, done, units)
        for name in ("n_grown", "n_cut", "n_pixels"):
            spent[name] += result[name]
    return spent


def _paint_labels(
    work: TileWork,
    units: int,
    executor: Executor,
    progress: Progress,
    *,
    origin: dict[str, Any],
    output: Path,
) -> tuple[LabelStore, int]:
    """Give the objects of all parts numbers and paint them; how many there are."""
    folder = work.folder.parent
    anchors, boxes = gather(work, units, folder / "anchors.npy")
    n_objects = len(anchors)
    store = LabelStore.make(
        folder / "labels.zarr",
        output,
        shape=work.source.shape,
        axes=work.source.axes,
        spacing=work.source.stored.header.spacing if isinstance(work.source, ChannelSource) else None,
        n_objects=n_objects,
        origin=origin | {"n_objects": n_objects},
    )
    paint = PaintWork(work.folder, folder / "anchors.npy", tuple(boxes), work.source.shape, store)
    sheets = range(len(store.sheets()))
    progress("write labels", 0, len(sheets))
    # Few sheets are painted sooner than processes start.
    painter = executor if len(sheets) > _FEW_SHEETS else HereExecutor()
    for done, _ in enumerate(painter.run(paint, sheets), 1):
        progress("write labels", done, len(sheets))
    return store, n_objects


def _result(origin: dict[str, Any], output: Path, n_objects: int, started: float) -> dict[str, Any]:
    return {
        "schema": IMAGE_SCHEMA,
        "method": origin["method"],
        "evidence": origin["evidence"],
        "image": origin["image"],
        "labels": str(output),
        "n_objects": n_objects,
        "done": False,
        "wall_s": round(time.perf_counter() - started, 3),
    }
