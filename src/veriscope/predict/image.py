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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.progress import Progress, silent
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import Region, grid
from veriscope.errors import InputError, MethodError
from veriscope.io.atomic import make_folder, write_json
from veriscope.io.hashing import sha256_of
from veriscope.io.label_store import LabelStore, read_origin
from veriscope.io.run_files import read_runs, write_runs
from veriscope.methods.base import LocalMethod, Method, Survey
from veriscope.predict.part import predict_part
from veriscope.predict.plan import plan_tiles
from veriscope.predict.reading import ChannelSource, Reading
from veriscope.predict.units import Executor, HereExecutor, ProcessExecutor, Work

__all__ = ["IMAGE_SCHEMA", "TileWork", "predict_image"]

IMAGE_SCHEMA = "veriscope/predict-image/1"
_SMALLEST_CORE = 64


@dataclass(frozen=True, slots=True)
class TileWork:
    """Predicts one part and keeps its objects as a file.

    Parameters
    ----------
    method, source, survey
        As for `veriscope.predict.part.predict_part`.
    tile
        Length of the parts along each axis.
    folder
        Where the files go.
    largest_crop
        Pixels that may be predicted at once; None: any.
    pieces
        Into how many pieces a part is cut first; more need less memory.
    """

    method: LocalMethod
    source: ChannelSource
    survey: Survey
    tile: tuple[int, ...]
    folder: Path
    largest_crop: int | None = None
    pieces: tuple[tuple[int, int], ...] = ()

    def path(self, unit: int) -> Path:
        """Give the file of a part.

        Parameters
        ----------
        unit
            Number of the part.

        Returns
        -------
        pathlib.Path
            It exists once the part is done.
        """
        return self.folder / f"{unit:08d}.npz"

    def __call__(self, unit: int) -> dict[str, Any]:
        """Predict one part, in smaller ones if memory runs out."""
        started = time.perf_counter()
        core = list(grid(self.source.shape, self.tile))[unit]
        waiting = _cut(core, dict(self.pieces).get(unit, 0))
        found, n_grown, n_pixels, n_cut = [], 0, 0, len(waiting) - 1
        while waiting:
            part = waiting.pop()
            try:
                result = predict_part(
                    self.method, self.source, self.survey, part, largest_crop=self.largest_crop
                )
            except MemoryError:
                smaller = _cut(part, 1)
                if len(smaller) == 1:
                    raise MethodError(
                        f"{self.source.name}: memory ran out even for {_SMALLEST_CORE} pixels at a time; "
                        "close other programs or use a computer with more memory, then give the same "
                        "command again"
                    ) from None
                waiting += smaller
                n_cut += 1
                continue
            found.append(result.objects)
            n_grown += result.n_grown
            n_pixels += result.n_pixels
        objects = ObjectRuns.join(found)
        write_runs(self.path(unit), objects)
        return {
            "n_objects": len(objects),
            "n_grown": n_grown,
            "n_pixels": n_pixels,
            "n_cut": n_cut,
            "seconds": time.perf_counter() - started,
        }

    def lighter(self, unit: int) -> Work:
        """Cut a part in two, four, … pieces."""
        times = dict(self.pieces)
        times[unit] = times.get(unit, 0) + 1
        return TileWork(
            self.method,
            self.source,
            self.survey,
            self.tile,
            self.folder,
            self.largest_crop,
            tuple(times.items()),
        )


def _cut(core: Region, times: int) -> list[Region]:
    """Halve a part along its longest axis, some times; one that is short already stays."""
    parts = [core]
    for _ in range(times):
        halves: list[Region] = []
        for part in parts:
            lengths = [side.stop - side.start for side in part]
            axis = int(np.argmax(lengths))
            if lengths[axis] < 2 * _SMALLEST_CORE:
                halves.append(part)
                continue
            middle = part[axis].start + lengths[axis] // 2
            sides = slice(part[axis].start, middle), slice(middle, part[axis].stop)
            halves += [(*part[:axis], side, *part[axis + 1 :]) for side in sides]
        parts = halves
    return parts


def predict_image(
    method: Method,
    source: str | Path,
    output: str | Path,
    *,
    reading: Reading | None = None,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
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
        Until it is complete, work lies beside it in a folder ending ``.part``.
    reading
        How the file is read; None: as it says.
    tile
        Length of the parts in pixels; None: chosen.
    memory
        Bytes for all processes together; None: not limited.
    workers
        Number of processes; 1 works in this one.
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
    pixels.stored.verify()
    _check_chunks(pixels, memory)
    origin = _origin(method, Path(source), reading)
    if output.exists():
        return _result(origin, output, _made_before(output, origin), started)
    work, plan = _start(method, pixels, origin, output, tile=tile, memory=memory, workers=workers)
    units = len(list(grid(pixels.shape, work.tile)))
    executor: Executor = HereExecutor() if workers == 1 else ProcessExecutor(workers)
    spent = _do_units(work, units, executor, progress, stage=f"predict {method.name}")
    anchors, boxes = _gather(work, units)
    store = LabelStore(
        work.folder.parent / "labels.zarr",
        output,
        shape=pixels.shape,
        axes=pixels.axes,
        spacing=pixels.stored.header.spacing,
        n_objects=len(anchors),
        origin=origin | {"n_objects": len(anchors)},
    )
    _paint(work, store, anchors, boxes, progress)
    store.finish()
    shutil.rmtree(work.folder.parent)
    details = {"tile": list(work.tile), "workers": workers, **spent, "survey": plan["survey"]}
    return _result(origin, output, len(anchors), started) | {"done": True, **details}


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
) -> tuple[TileWork, dict[str, Any]]:
    """Survey and plan, or take up the survey and the plan of a run that was stopped."""
    folder = output.with_name(output.name + ".part")
    found = _read_plan(folder)
    if found is not None and found["key"] != origin["key"]:
        raise InputError(
            f"{folder}: holds an unfinished run of another image, method or option; remove the folder to "
            "start anew"
        )
    if found is not None:
        survey = method.SurveyType.model_validate(found["survey"])
    else:
        make_folder(folder / "parts")
        survey = method.survey(pixels)
    plan = plan_tiles(
        pixels.shape,
        method.footprint(survey),
        bytes_per_pixel=method.bytes_per_pixel,
        memory=memory,
        workers=workers,
        tile=tile,
    )
    sides = plan.tile
    if found is not None and (tile is None or tuple(found["tile"]) == sides):
        sides = tuple(found["tile"])
    elif found is not None:
        shutil.rmtree(folder / "parts")
        make_folder(folder / "parts")
    content = {"key": origin["key"], "survey": survey.model_dump(mode="json"), "tile": list(sides)}
    write_json(folder / "plan.json", content)
    work = TileWork(method, pixels, survey, sides, folder / "parts", plan.largest_crop)
    return work, content


def _read_plan(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _do_units(
    work: TileWork, units: int, executor: Executor, progress: Progress, *, stage: str
) -> dict[str, Any]:
    """Predict all parts that are not done yet."""
    missing = [unit for unit in range(units) if not work.path(unit).exists()]
    spent: dict[str, Any] = {"n_parts": units, "n_parts_now": len(missing)}
    spent |= dict.fromkeys(("n_grown", "n_cut", "n_pixels"), 0)
    done = units - len(missing)
    progress(stage, done, units)
    for _, result in executor.run(work, missing):
        done += 1
        progress(stage, done, units)
        for name in ("n_grown", "n_cut", "n_pixels"):
            spent[name] += result[name]
    spent["n_lost"] = getattr(executor, "n_lost", 0)
    return spent


def _gather(work: TileWork, units: int) -> tuple[NDArray[np.int64], list[Region | None]]:
    """First pixels of all objects, ascending, and the box that the objects of each part cover."""
    anchors, boxes = [], []
    for unit in range(units):
        objects = read_runs(work.path(unit))
        if objects is None:
            work(unit)
            objects = read_runs(work.path(unit))
        assert objects is not None, "a part that was just written can be read"
        anchors.append(objects.anchors)
        boxes.append(objects.box(work.source.shape))
    return np.sort(np.concatenate(anchors)), boxes


def _paint(
    work: TileWork,
    store: LabelStore,
    anchors: NDArray[np.int64],
    boxes: list[Region | None],
    progress: Progress,
) -> None:
    """Write the numbers of all objects; 1 is the object whose first pixel comes first."""
    sheets = store.sheets()
    for index, sheet in enumerate(sheets):
        labels = np.zeros([part.stop - part.start for part in sheet], store.dtype)
        for unit, box in enumerate(boxes):
            if box is not None and _overlap(box, sheet):
                objects = read_runs(work.path(unit))
                assert objects is not None, "it was read before"
                numbers = np.searchsorted(anchors, objects.anchors) + 1
                objects.paint(labels, sheet, work.source.shape, numbers)
        store.write(sheet, labels)
        progress("write labels", index + 1, len(sheets))


def _overlap(a: Region, b: Region) -> bool:
    return all(p.start < q.stop and q.start < p.stop for p, q in zip(a, b, strict=True))


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
