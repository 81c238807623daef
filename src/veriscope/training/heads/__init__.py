"""What a network is to say: targets, loss, and what is exported, a file for each kind."""
