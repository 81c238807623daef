"""Segmentation by prompts: clicks and a box become the outline of one object."""
