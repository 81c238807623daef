"""The web app's server: translates requests to the functions that the command line calls, and guards them."""
