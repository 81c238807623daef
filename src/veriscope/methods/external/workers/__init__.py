"""Scripts that run inside the environments of tools; they never import Veriscope.

`serve.py` is started and loads one of the others by its path. Each of these has `load(order)`, which gives
the state that the functions `predict`, `prompt` or `train` get as their first argument.
"""
