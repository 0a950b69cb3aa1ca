"""An engine that connects to a remote Moshi server: stock Python, Rust, MLX, PersonaPlex or another of our workers.

addresses.py  MOSHI_SERVER_URLS, which take uses which server, and what each kind of server can be asked for
session.py    one conversation over /api/chat
words.py      pieces of text -> words with times
engine.py     the engine and its settings
"""
