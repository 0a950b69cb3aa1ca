"""PURE: the schema of a study. Knows nothing of Django."""
