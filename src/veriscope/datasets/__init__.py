"""Simulated microscopy with known truth."""
