"""An engine that connects to a remote Moshi server: stock Python, Rust, MLX, PersonaPlex or another of our workers.

addresses.py  MOSHI_SERVER_URLS, and which take talks with which server
dialects.py   what each kind of server can be asked for, and how
session.py    one conversation over /api/chat
words.py      pieces of text -> words with times
engine.py     the engine
"""
