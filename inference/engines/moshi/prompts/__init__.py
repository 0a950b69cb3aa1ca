"""Persona prompts: read, fed between steps, and kept for the next talk."""
