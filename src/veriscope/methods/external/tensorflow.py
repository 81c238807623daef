"""The environment that runs Keras and TensorFlow weights of model packages (`zoo/keras_engine.py`)."""

from __future__ import annotations

from veriscope.methods.external.environment import Recipe

__all__ = ["TENSORFLOW"]

TENSORFLOW = Recipe(
    tool="tensorflow",
    title="TensorFlow with Keras",
    packages=(
        "tensorflow-cpu>=2.16,<3; sys_platform == 'linux'",
        "tensorflow>=2.16,<3; sys_platform != 'linux'",
        "keras>=3.12,<4",
    ),
    main="keras",
    size_gb=1.7,
    worker="run_tensorflow.py",
    variables=(
        ("KERAS_HOME", "{weights}/keras"),
        ("CUDA_VISIBLE_DEVICES", ""),
        ("TF_CPP_MIN_LOG_LEVEL", "2"),
    ),
)
