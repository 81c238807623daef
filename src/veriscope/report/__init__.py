"""The JSON record first, HTML rendered from it."""
