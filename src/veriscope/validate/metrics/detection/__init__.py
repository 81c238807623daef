"""Metrics of places: objects that are found by boxes, points or masks with scores."""
