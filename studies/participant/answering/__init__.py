"""Pages of questions, and the answers that are saved while they are given."""
