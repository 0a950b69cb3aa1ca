"""A bounded attack on a whole running product: what is tried, what held, and what fell."""
