"""Tools of others as methods, each run in an environment and a process of its own."""
