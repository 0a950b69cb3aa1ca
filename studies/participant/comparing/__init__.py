"""The comparison of two takes side by side: replay, measures and judgement."""
