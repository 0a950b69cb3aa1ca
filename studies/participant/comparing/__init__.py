"""Two answers side by side: heard again, measured and judged."""
