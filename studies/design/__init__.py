"""Plans which participant gets which trials in which order. The code of this package is pure."""
