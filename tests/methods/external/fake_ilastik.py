"""A stand-in for ilastik: takes the command line of its headless mode and knows one project, "bright".

Not ilastik: it knows the options that ilastik's own tests and manual give (NumPy files in and out, axes
stated), refuses any other, and gives two classes, bright and dark, split at the middle of the grey values.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

parser = argparse.ArgumentParser(prog="run_ilastik.sh", allow_abbrev=False)
parser.add_argument("--headless", action="store_true", required=True)
parser.add_argument("--readonly", action="store_true")
parser.add_argument("--project")
parser.add_argument("--export_source")
parser.add_argument("--output_format", choices=["numpy", "hdf5", "tiff"])
parser.add_argument("--output_filename_format")
parser.add_argument("--output_axis_order")
parser.add_argument("--input_axes")
parser.add_argument("--raw_data", nargs="+")
options = parser.parse_args()
if options.project is None:
    sys.exit("no project")
with open(options.project) as stream:  # noqa: PTH123
    project = stream.read().strip()
if project == "hangs":
    time.sleep(60)
if project != "bright":
    sys.stderr.write(f"RuntimeError: cannot open {options.project} as HDF5\n")
    sys.exit(1)
(raw,) = options.raw_data
image = np.load(raw)
assert image.ndim == len(options.input_axes) and options.output_axis_order == options.input_axes + "c"
bright = (image > (float(image.min()) + float(image.max())) / 2).astype(np.float32)
if options.export_source == "Probabilities":
    found = np.stack([0.1 + 0.8 * bright, 0.9 - 0.8 * bright], -1)
elif options.export_source == "Simple Segmentation":
    found = np.where(bright, 1, 2).astype(np.uint8)[..., None]
else:
    found = (np.cumsum(bright, -1) * bright).astype(np.uint32)[..., None]
np.save(options.output_filename_format, found)
