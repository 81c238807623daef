"""Metrics of classes, scores and probabilities, one per case."""
