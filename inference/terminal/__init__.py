"""A terminal client: `python -m inference.terminal`.

address.py   the command line, and what its address leads to: an inference worker, a study's site, or a Moshi server
dialing.py   what every server can do for a talk; WebSockets, and why they do not open
slot.py      talks over our own wire, with an inference worker or in a study; chat.py with a Moshi server
site.py      what a browser does on a study's site before a talk
sound.py     recordings in and out; microphone and speaker
talking.py   the talk itself, and what the terminal shows of it
"""
