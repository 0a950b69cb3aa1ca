"""A terminal client: `python -m inference.terminal`.

address.py     what an address leads to: an inference worker, a study's site, or a Moshi server
arguments.py   the command line
dialing.py     WebSockets, and why they do not open
link.py        what every server can do for a talk
slot.py · chat.py · web.py   the three kinds of server
sound.py       recordings in and out
card.py        microphone and speaker
talking.py     the talk itself
screen.py      what the terminal shows
"""
