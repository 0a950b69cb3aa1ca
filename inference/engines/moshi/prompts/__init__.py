"""Persona prompts: they are read, fed to rows between steps, and kept for the next take."""
