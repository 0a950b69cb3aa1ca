"""What the participant says: where speech is, when a turn ends, and which words it has."""
