"""Network architectures in plain PyTorch, one to a file."""
