"""Code shared by engines whose model runs on a server: they send the participant's audio and play what comes back.

engine.py   the contract's side: rows, steps, failures, and what the step thread and a conversation's task hand to each
            other; never waits for the network
playout.py  sound of any size, whenever it arrives -> one frame a step, and events at their place in it
"""

from inference.engines.remote.engine import RemoteEngine, Session

__all__ = ["RemoteEngine", "Session"]
