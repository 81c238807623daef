"""Metrics of objects: found or not, and how well outlined."""
