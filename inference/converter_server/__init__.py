"""A converter server runs one network for many talkers, in its own process and installation.

    python -m inference.converter_server NETWORK [options]

network.py   the contract of a network: rows of a batch, each of which turns one block into one block; and the
             worker's own converters as a network, to try a set-up or to run them on another machine
rows.py      assigns rows; its thread owns the network and steps all talkers together, after converting their sound
             between 24 kHz and the network's rate and blocks, sample for sample
server.py    the protocol's sockets (inference/voices/remote/protocol.py)
seed_vc/     zero-shot conversion with Seed-VC
"""
