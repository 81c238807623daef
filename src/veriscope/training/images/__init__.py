"""The images that a network learns from: read, parted by group, and cut and changed at random."""
