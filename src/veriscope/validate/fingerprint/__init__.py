"""What kind of problem this is, and so which metrics fit it (after Metrics Reloaded)."""
