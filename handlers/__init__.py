"""What we do for each kind of update."""
