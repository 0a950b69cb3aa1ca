"""A converter that runs elsewhere: in a process of its own on this machine, or on another one.

protocol.py           what is said to converter servers, and how servers of other make are written against it
converter_server.py   spoken to those, load_target.py to the streaming servers of MeanVC and X-VC
session.py            one talker's connection; placement.py puts what comes back where it belongs
converter.py          the contract's side: never waits for the network, never lets the own voice through
"""
