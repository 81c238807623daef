"""Formats of microscope makers, one file each; `pip install 'veriscope[formats]'` brings what reads them."""
