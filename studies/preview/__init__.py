"""Lets participants hear themselves before a take: a sentence passes through the study's voices and comes back.

Nothing is stored."""
