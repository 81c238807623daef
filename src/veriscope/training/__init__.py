"""Train and fine-tune networks; needs the extra ``train`` (torch), which nothing else in the package does."""
