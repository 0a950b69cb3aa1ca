"""Moves a live conversation with its state from one worker to another."""
