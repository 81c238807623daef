"""Metrics of objects that are followed over time."""
