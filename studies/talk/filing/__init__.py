"""A take that is over: filed into tracks, transcribed, measured, swept up, erased."""
