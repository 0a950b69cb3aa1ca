"""PersonaPlex: its model, checkpoints and voice prompts, and a tiny checkpoint for tests."""
