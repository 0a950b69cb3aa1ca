"""What every engine shares whose model runs on somebody's server: it sends what the participant says, plays what comes.

engine.py      the contract's side: rows, steps, failures; never waits for the network
loop.py        one thread with an event loop for all conversations
line.py        what the step thread and a conversation's task hand to each other
playout.py     sound of any size, whenever it arrives -> one frame a step, and events at their place in it
resampling.py  between a server's rate and ours, sample for sample
address.py     where a server is, and how it is called; never shows credentials
"""

from inference.engines.remote.engine import RemoteEngine, Session

__all__ = ["RemoteEngine", "Session"]
