"""A live talk leaves one worker and arrives at another with its state."""
