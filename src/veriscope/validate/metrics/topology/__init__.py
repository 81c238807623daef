"""Metrics of connectedness: pieces, holes and gaps."""
