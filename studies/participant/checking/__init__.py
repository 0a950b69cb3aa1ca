"""The device check and the headphone screening."""
