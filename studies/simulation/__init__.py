"""Bots that walk through a study over real HTTP and WebSockets, and a check of the export against what they did."""
