"""From a label image to a table: one file per family of properties."""
