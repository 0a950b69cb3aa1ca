"""A take's journal: one append-only file, written while the talk is live."""
