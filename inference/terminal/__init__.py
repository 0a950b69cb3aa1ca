"""A terminal client: `python -m inference.terminal`.

address.py   the command line, and what its address leads to: an inference worker, a study's site, or a Moshi server
dialing.py   the interface of a connection; opening WebSockets, and why they do not open
slot.py      conversations over our own wire, with an inference worker or in a study
chat.py      conversations with a Moshi server
site.py      what a browser does on a study's site before a conversation
sound.py     recordings in and out; microphone and loudspeaker
talking.py   the conversation itself, and what the terminal shows of it
"""
