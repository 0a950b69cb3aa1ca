"""A converter server: one network, many talkers, in a process and an installation of its own.

    python -m inference.converter_server NETWORK [options]

network.py   what a network is: rows of a batch that turn a block into a block
framing.py   between 24 kHz and a network's rate and block, sample for sample
rows.py      who has which row; the thread that owns the network and steps all talkers together
server.py    the protocol's sockets (inference/voices/remote/protocol.py)
local.py     the converters of the inference worker as a network, to try a set-up or move their cost elsewhere
seed_vc/     zero-shot conversion with Seed-VC
"""
