"""Models of the BioImage Model Zoo, run as methods."""
