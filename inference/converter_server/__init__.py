"""A converter server runs one network for many talkers, in a process and an installation of its own.

    python -m inference.converter_server NETWORK [options]

network.py   the contract of a network: rows of a batch, each of which turns one block into one block
framing.py   converts between 24 kHz and a network's rate and blocks, sample for sample
rows.py      assigns rows; its thread owns the network and steps all talkers together
server.py    the protocol's sockets (inference/voices/remote/protocol.py)
local.py     the converters of the inference worker as a network, to try a set-up or move their cost elsewhere
seed_vc/     zero-shot conversion with Seed-VC
"""
