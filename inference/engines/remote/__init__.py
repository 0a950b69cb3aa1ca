"""Code shared by engines whose model runs on a server: they send the participant's audio and play what comes back.

engine.py   rows, steps, failures, and the exchange between the step thread and a conversation's task; never waits for
            the network
playout.py  turns sound of any size, whenever it arrives, into one frame per step, with events at their place in it
"""

from inference.engines.remote.engine import RemoteEngine, Session

__all__ = ["RemoteEngine", "Session"]
