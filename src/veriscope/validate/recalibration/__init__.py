"""Recalibration of probabilities, judged on images that it was not fitted on."""
