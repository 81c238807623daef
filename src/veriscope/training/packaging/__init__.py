"""A trained network as a package, with what it says of itself."""
