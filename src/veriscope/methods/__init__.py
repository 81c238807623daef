"""Methods: anything that maps an image to a prediction. One file per method."""
