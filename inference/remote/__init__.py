"""Calling servers: what engines and converters share whose model runs elsewhere.

address.py  where a server is, and how it is called; never shows credentials
loop.py     one thread with an event loop for all conversations
"""
