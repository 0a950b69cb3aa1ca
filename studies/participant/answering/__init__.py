"""Pages of questions, and the answers, which are saved while they are given."""
