"""Metrics of masks: overlap, boundaries, centre lines."""
