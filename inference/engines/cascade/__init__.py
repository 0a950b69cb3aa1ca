"""The local engine: voice activity, end of turn, recognition, a small language model and synthesis, all on the CPU.

    engine.py       all slots of a worker, and what a researcher must know to repeat a conversation
    dialogue.py     one slot: frames in, frames and events out, never waiting for a model
    reply.py        one attempt at an answer, on its own thread
    hearing/        where speech is, when a turn ends, and which words it has; `hearing/turn.py` is pure
    hearing/voice/  how the participant sounds, by declared rules
    telling.py      what the language model is told of that
    answering.py    the words of an answer: streamed, or the likeliest of several
    first_words.py, choosing.py, health.py   the rules there are about them; pure
    prompt.py       what the language model reads before anybody speaks
    language.py     the language model, shared by all slots
    playout.py      speech synthesis, shared by all slots, and its playout in steps
    clauses.py      which parts of an answer can already be spoken

The engine is text-mediated: the language model gets the recognised words and nothing else of the voice. As
`cascade_voice` it is also told in words how the voice sounded; it does not hear it either.
"""

import os

# Both OpenMP runtimes here (CTranslate2's and llama.cpp's) read these variables once, when they are loaded. By default
# their idle threads spin, which on a busy machine starves the very thread that they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
# Weights come from disk (inference.weights fetches them); no library may try to download them in mid-conversation.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
