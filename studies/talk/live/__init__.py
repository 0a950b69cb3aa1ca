"""A talk while it is live: browser, relay, engine, and how it ends."""
