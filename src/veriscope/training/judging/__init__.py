"""What is chosen on the validation images and judged on the locked ones."""
