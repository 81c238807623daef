"""Write the 8-bit weights of `nuclei-fluorescence`, and what ONNX Runtime makes of the test input with them.

    python scripts/models/quantise.py --data DIR/dsb2018_fluorescence

Ranges of the activations are the smallest and largest values on 24 training images (seed 0); no image of the
validation or test split is used. One scale per layer: one per channel was no more accurate on the validation
images (F1 0.938 against 0.940). Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

from veriscope.methods.networks.normalise import normalise_percentiles

PACKAGE = (
    Path(__file__).parents[2] / "src" / "veriscope" / "methods" / "networks" / "nuclei_fluorescence_package"
)
STRIDE = 16


class TrainingImages(CalibrationDataReader):
    """Images as the network gets them, one after the other."""

    def __init__(self, images: list[NDArray[np.float32]]) -> None:
        self.images = iter(images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Give the next image, or None."""
        image = next(self.images, None)
        return None if image is None else {"raw": image[None, None]}


def read_training_images(data: Path, n: int, *, seed: int = 0) -> list[NDArray[np.float32]]:
    """Images of the training split, normalised, cut to sides the network takes."""
    rows = pd.read_csv(data / "split.csv").query("split == 'train'").sample(n, random_state=seed)
    images = []
    for row in rows.itertuples():
        pixels = normalise_percentiles(np.asarray(Image.open(data / "images" / f"{row.stem}.png")))
        height, width = (size // STRIDE * STRIDE for size in pixels.shape)
        images.append(np.ascontiguousarray(pixels[:height, :width]))
    return images


def main() -> None:
    """Quantise the weights of the package and write both files into it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--output", type=Path, default=PACKAGE)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    target = options.output / "weights_int8.onnx"
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(PACKAGE / "weights.onnx"), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            TrainingImages(read_training_images(options.data, options.images)),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.MinMax,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    session = onnxruntime.InferenceSession(target.read_bytes(), providers=["CPUExecutionProvider"])
    raw = np.load(PACKAGE / "test_input.npy")[0, 0]
    (dense,) = session.run(None, {"raw": normalise_percentiles(raw)[None, None]})
    np.savez_compressed(options.output / "test_output_int8.npz", dense=dense)
    for name in ("weights_int8.onnx", "test_output_int8.npz"):
        print(f"{name}: {(options.output / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
