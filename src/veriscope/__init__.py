"""Veriscope: from microscope images to a measurement you can defend."""

__version__ = "0.1.0"
