"""Moshi for many people at once: one batch, a row for each conversation, on the unpatched `moshi` package.

source.py           where a checkpoint's files are: a repository on the hub, or a folder
checkpoint.py       its models, checked and loaded
memory.py           what a checkpoint needs, and how many rows there is room for (pure)
convolutions.py     the same convolutions, faster on a CPU
depth.py            the same depth transformer, without the state of a stream
staging.py          tensors that the host fills and the device reads
sampling.py         temperature, top-k and a generator for every row
language_model.py   the language model, sampling row by row
batch.py            the rows: masks, steps, what is left of a conversation and how it is wiped
moving.py           a row's state as bytes
words.py            from text tokens to words, turns and transcripts (pure)
prompting.py        the seam for prompts; persona*.py and personaplex*.py are behind it
engine.py           the engine itself
tiny.py             a checkpoint with random weights, for tests
"""

import os

# Compiling takes minutes at the first step, and most of what it would fuse is already in CUDA graphs.
os.environ.setdefault("NO_TORCH_COMPILE", "1")
