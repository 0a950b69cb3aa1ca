"""Bots that take part in a study over real HTTP and WebSockets, and a comparison of the export with what they did."""
