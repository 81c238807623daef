"""Rule-based methods: thresholds, watershed, blobs."""
