"""PURE: which participant gets which trials in which order."""
