"""Moshi for many people at once: one batch, a row for each conversation, on the unpatched `moshi` package.

source.py           the settings, and where a checkpoint's files are: in a repository on the hub, or in a folder
checkpoint.py       checks and loads a checkpoint's models, and speeds their convolutions up on a CPU
placing.py          chooses the device and the number of rows
memory.py           what a checkpoint needs, and how many rows there is room for (pure)
sampling.py         temperature, top-k and a generator for every row, in tensors that the host fills
language_model.py   the language model and its depth transformer, with sampling row by row
batch.py            the rows: masks, steps, the state of a conversation and how it is wiped or moved
words.py            turns text tokens into words, turns and transcripts (pure)
prompts/            feeds persona prompts to rows
personaplex/        PersonaPlex: its model, checkpoints and voices
engine.py           the engine itself
tiny.py             a checkpoint with random weights, for tests
"""

import os

# Compiling takes minutes at the first step, and CUDA graphs already contain most of what it would fuse.
os.environ.setdefault("NO_TORCH_COMPILE", "1")
