"""Model weights of the local engine: which there are, and how they are fetched and checked."""
