"""The end of a session: finished, or withdrawn."""
