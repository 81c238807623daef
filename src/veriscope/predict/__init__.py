"""Prediction of many images: files to files, resumable."""
