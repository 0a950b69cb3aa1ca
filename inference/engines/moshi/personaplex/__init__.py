"""PersonaPlex: its model, checkpoints, voice prompts and a tiny one for tests."""
