"""Work that takes longer than a request: a queue that survives a restart, and processes that do it."""
