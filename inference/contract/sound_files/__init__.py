"""Sound files that others made: what is really in them."""
