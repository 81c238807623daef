"""Pixel classifiers trained from annotated tiles."""
