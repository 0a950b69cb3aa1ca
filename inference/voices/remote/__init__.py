"""A converter that runs elsewhere, in a process of its own on this machine or on another one.

protocol.py           the protocol of converter servers, which other servers can implement, too
converter_server.py   the client of that protocol; load_target.py that of the streaming servers of MeanVC and X-VC
session.py            one talker's connection, and how each converted sample is put at its time
converter.py          the converter: it never waits for the network and never lets the unconverted voice through
"""
