"""Fiji macros: `fiji:PATH.ijm`, run by Fiji without its window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.external.environment import Recipe
from veriscope.methods.external.external_method import ExternalParameters
from veriscope.methods.external.program import ProgramMethod
from veriscope.methods.zoo.instances import objects_from_maps

__all__ = ["FIJI", "FijiMethod", "FijiParameters", "fiji_card"]

FIJI = Recipe(
    tool="fiji",
    title="Fiji",
    program=("fiji", "fiji-linux-x64", "ImageJ-linux64", "ImageJ-macosx", "fiji-windows-x64.exe"),
    attempt=("--headless", "--console", "-macro", "{folder}/attempt.ijm"),
)
_TYPES = {"uint8": "8-bit", "uint16": "16-bit Unsigned", "float32": "32-bit Real"}
_DEPTHS = {"8": "u1", "16": "u2", "32": "f4"}
_MACRO = """\
layout = "image=[{type}] width={width} height={height} offset=0 number=1 gap=0 little-endian";
run("Raw...", "open=[{raw}] " + layout);
rename("image");
runMacro("{macro}", "{argument}");
if (nImages == 0) exit("the macro left no image open");
depth = bitDepth();
if (depth == 24) {{ run("8-bit"); depth = 8; }}
size = "" + depth + " " + getWidth() + " " + getHeight() + " " + nSlices;
saveAs("Raw Data", "{folder}/result.raw");
newImage("order", "16-bit black", 1, 1, 1);
setPixel(0, 0, 1);
saveAs("Raw Data", "{folder}/order.raw");
File.saveString(size, "{folder}/size.txt");
"""
"""ImageJ saves raw pixels in the order of bytes that its settings say; one known pixel tells which."""


class FijiParameters(ExternalParameters):
    """Options of Fiji macros."""

    result: Literal["labels", "mask"] = "labels"
    """What the active image is at the end: a label image (0 is background), or a mask (above 0 is
    an object)."""
    argument: str = ""
    """What the macro gets from ``getArgument()``."""
    split: bool = True
    """Of a mask: split touching objects; otherwise every connected part is one object."""
    diameter: float | None = Field(default=None, gt=1)
    """Of a mask: typical object diameter in pixels, for the split; None: estimated."""
    smallest_area: int = Field(default=1, ge=1)
    """Of a mask: objects with fewer pixels are dropped."""


class FijiMethod(ProgramMethod):
    """A macro of ImageJ, which finds the image open and leaves its result as the active image.

    Parameters
    ----------
    parameters
        `FijiParameters`, or None for the defaults.
    """

    Parameters: ClassVar[type[Settings]] = FijiParameters
    recipe: ClassVar[Recipe] = FIJI
    suffixes: ClassVar[tuple[str, ...]] = (".ijm", ".txt")
    stays: ClassVar[bool] = True

    def command(self, folder: Path, image: Image) -> list[str]:
        """Write the image and a macro around the user's, and say how Fiji is called."""
        pixels = image.pixels
        if pixels.dtype.name not in _TYPES:
            pixels = pixels.astype(np.uint8 if pixels.dtype == np.bool_ else np.float32)
        height, width = pixels.shape
        raw = folder / "image.raw"
        raw.write_bytes(np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tobytes())
        macro = _MACRO.format(
            raw=raw.as_posix(),
            type=_TYPES[pixels.dtype.name],
            width=width,
            height=height,
            macro=_quoted(self.files[0].as_posix()),
            argument=_quoted(self.parameters.argument),
            folder=_quoted(folder.as_posix()),
        )
        (folder / "veriscope.ijm").write_text(macro, encoding="utf-8")
        return ["--headless", "--console", "-macro", str(folder / "veriscope.ijm")]

    def is_complete(self, folder: Path) -> bool:
        """Tell whether all is written."""
        size = folder / "size.txt"
        return size.exists() and len(size.read_text().split()) == 4

    def result(self, folder: Path, image: Image) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Read the active image."""
        depth, width, height, slices = (folder / "size.txt").read_text().split()
        if (int(height), int(width), int(slices)) != (*image.shape, 1):
            raise MethodError(
                f"{image.name}: {self.name}: the macro left an image of {height} x {width} pixels and "
                f"{slices} "
                f"slice(s) active, and {image.shape[0]} x {image.shape[1]} and one are expected"
            )
        order = {b"\0\1": ">", b"\1\0": "<"}.get((folder / "order.raw").read_bytes(), ">")
        values = np.fromfile(folder / "result.raw", order + _DEPTHS[depth])
        if values.size != image.pixels.size:
            raise MethodError(
                f"{image.name}: {self.name}: Fiji saved {values.size} of {image.pixels.size} pixels; is the "
                "disk of temporary files full?"
            )
        values = values.reshape(image.shape)
        if self.parameters.result == "labels":
            if not (np.isfinite(values).all() and (values == np.floor(values)).all() and values.min() >= 0):
                raise MethodError(
                    f"{image.name}: {self.name}: the active image holds no labels (whole numbers from "
                    "0); if it "
                    "is a mask, say so with -p result=mask"
                )
            return {}, {"labels": values.astype(np.int64)}
        labels, details = objects_from_maps(
            (values > 0).astype(np.float32),
            None,
            threshold=0.5,
            diameter=self.parameters.diameter,
            smallest_area=self.parameters.smallest_area,
            split=self.parameters.split,
        )
        return details, {"labels": labels}


def _quoted(text: str) -> str:
    """Write text so that it means itself between the quotes of a macro."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def fiji_card(model: str) -> Card:
    """Make the card of a macro.

    Parameters
    ----------
    model
        Path of the macro.

    Returns
    -------
    Card
        What is known of it.
    """
    return Card(
        summary=f"ImageJ macro {Path(model).name}, run by Fiji without its window.",
        objects=("nucleus", "cell", "particle"),
        modalities=(),
        training_data="none known to Veriscope; what the macro loads is its own affair",
        licence="GPL (Fiji); the macro: of whoever wrote it",
        citation="Schindelin J et al. Fiji: an open-source platform for biological-image analysis. "
        "Nature Methods 9, "
        "676-682 (2012). doi:10.1038/nmeth.2019",
        limits=(
            UNTRIED,
            "Whole images at a time: Fiji starts anew for each image, which takes some seconds.",
            "A macro can do all that you can do on this computer: read it before you run it.",
            "8-bit label images hold at most 255 objects; let the macro make a 16- or 32-bit one.",
        ),
    )
