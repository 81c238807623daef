"""What stated confidence is worth: reliability, what leaving cases out gains, guaranteed error rates."""
