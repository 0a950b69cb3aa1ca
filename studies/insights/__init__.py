"""PURE: numbers read from recordings, each with its unit and method."""
