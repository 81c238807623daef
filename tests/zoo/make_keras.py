"""Writes small Keras models, with the Python of an environment with TensorFlow: make_keras.py FOLDER MARK.

Most give the mean over 5 × 5 pixels, as the ONNX file of `conftest.py`. `code.*` would make the folder MARK
when they are loaded or run, `harmful.zip` a file in it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf


def main() -> None:
    folder, mark = Path(sys.argv[1]), sys.argv[2]
    image = keras.Input((None, None, 1), name="image")
    layer = keras.layers.Conv2D(1, 5, padding="same", use_bias=False, name="mean")
    model = keras.Model(image, layer(image))
    layer.set_weights([np.full((5, 5, 1, 1), 1 / 25, np.float32)])
    model.save(folder / "mean.h5")
    model.save(folder / "mean.keras")
    model.save_weights(folder / "only.weights.h5")
    model.export(folder / "bundle", verbose=False)
    shutil.make_archive(str(folder / "mean"), "zip", folder / "bundle")

    twice = keras.layers.Rescaling(2.0, name="twice")(layer(image))
    keras.Model(image, [twice, layer(image)]).save(folder / "two.h5")

    code = keras.layers.Lambda(lambda x: [__import__("os").mkdir(mark), x][1], name="harmless")
    spoiled = keras.Sequential([keras.Input((None, None, 1)), code])
    shutil.rmtree(mark, ignore_errors=True)  # it has run once by now
    spoiled.save(folder / "code.h5")
    spoiled.save(folder / "code.keras")

    shutil.copyfile(folder / "mean.h5", folder / "elsewhere.h5")
    with h5py.File(folder / "elsewhere.h5", "a") as file:
        file["more"] = h5py.ExternalLink("/etc/passwd", "/")

    class Writes(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1), tf.float32, name="image")])
        def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
            with tf.control_dependencies([tf.io.write_file(f"{mark}/file", "x")]):
                return {"mean": tf.identity(image)}

    harmful = Writes()
    tf.saved_model.save(harmful, str(folder / "harmful"), signatures={"serving_default": harmful.__call__})
    shutil.make_archive(str(folder / "harmful"), "zip", folder / "harmful")


if __name__ == "__main__":
    main()
