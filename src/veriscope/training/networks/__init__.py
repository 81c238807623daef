"""Networks by name, and those that a training starts from."""
