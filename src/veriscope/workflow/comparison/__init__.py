"""Comparison of files with references, without a study; one file per kind of problem."""
