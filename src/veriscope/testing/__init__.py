"""Checks that authors of plugins can run."""
