"""The local engine: voice activity, end of turn, recognition, a small language model, synthesis; all on CPU.

    engine.py       all slots of a worker, and what a researcher must know to repeat a conversation
    dialogue.py     one slot: frames in, frames and events out, never waiting for a model
    reply.py        one attempt to answer, on a thread of its own
    hearing/        where speech is, when a turn ends, and which words it has; `hearing/turn.py` is pure
    language.py     the language model, shared by all slots
    playout.py      speech synthesis, shared by all slots, and its playing out in steps
    clauses.py      which parts of an answer can be spoken already

It is text-mediated: the language model gets the recognised words and nothing else of the voice.
"""

import os

# Both OpenMP runtimes in here (CTranslate2's, llama.cpp's) read these once, when they are loaded. Left to themselves
# their idle threads spin, and on a busy machine the spinning starves the very thread that is waited for.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
# Weights come from disk (inference.weights fetches them); no library may go looking for them in mid-conversation.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
