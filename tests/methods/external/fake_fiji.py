"""A stand-in for Fiji: takes its command line and the one macro that Veriscope writes around the user's.

Not Fiji, and no interpreter of macros: it reads the lines of that macro by their form, and instead of running
the user's it looks for one word in it. `test_real_imagej.py` runs the same macro in ImageJ itself.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

arguments = sys.argv[1:]
if arguments[:3] != ["--headless", "--console", "-macro"] or len(arguments) != 4:
    sys.exit(f"unknown arguments {arguments}")
macro = Path(arguments[3]).read_text()
if text := re.search(r'saveAs\("Text Image", "(.*)"\)', macro):
    Path(text[1]).write_text("0 0\n")
    sys.exit()
types = {"8-bit": "u1", "16-bit Unsigned": "<u2", "32-bit Real": "<f4"}
kind = re.search(r"image=\[(.*?)\] width=(\d+) height=(\d+) .* little-endian", macro)
raw = re.search(r"open=\[(.*?)\]", macro)
user = re.search(r'runMacro\("(.*?)", "(.*?)"\)', macro)
folder = re.search(r'saveString\(size, "(.*)/size.txt"\)', macro)
assert kind and raw and user and folder
image = np.fromfile(raw[1], types[kind[1]]).reshape(int(kind[3]), int(kind[2]))
what = Path(user[1]).read_text()
if "fails" in what:
    print("Undefined variable in line 1: <fails> ;")  # and exit code 0, as Fiji does
    sys.exit()
mask = image > (float(image.min()) + float(image.max())) / 2
labels = mask * 255 if "mask" in what else ndimage.label(mask)[0]
if "fraction" in what:
    out, depth = (labels / 2).astype(">f4"), 32
elif "mask" in what:
    out, depth = labels.astype("u1"), 8
else:
    out, depth = labels.astype(">u2"), 16
if "crop" in what:
    out = out[:-1]
place = Path(folder[1])
(place / "result.raw").write_bytes(out.tobytes())
(place / "order.raw").write_bytes(b"\0\1")
(place / "size.txt").write_text(f"{depth} {out.shape[1]} {out.shape[0]} 1")
