"""Metrics of images of intensities against a clean one, or against the raw one."""
