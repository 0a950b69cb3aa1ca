"""Measures a take from its tracks and its words, by published methods. This package does not import Django."""
