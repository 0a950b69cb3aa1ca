"""Inference workers as the web knows them: what they report, and which one a take needs."""
