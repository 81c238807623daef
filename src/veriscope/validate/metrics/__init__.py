"""Metrics: one file per family, each metric a function of sums over units."""
