"""Inference workers as seen by the web: what they report, and which one can serve a take."""
