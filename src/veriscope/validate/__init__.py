"""Judges anyone's predictions against references; knows nothing of methods."""
