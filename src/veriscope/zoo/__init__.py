"""Model packages: read, verified, tested and kept, without running anything on reading."""
