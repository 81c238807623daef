"""The loop of training, its checkpoints, and one training from images to weights."""
