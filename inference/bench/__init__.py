"""Measures an engine on this machine: `python -m inference.bench --engine moshi --slots 1 4 8 16`.

    measure.py   one engine with one number of slots: at the pace of a conversation, then flat out; what the rows hear
    __main__.py  the command; every number of slots in a process of its own, so that none leaves memory to the next;
                 its results as JSON and as a Markdown table, beside what the memory model says

It steps the engine alone: sockets, voice conversion and the journal come on top (docs/benchmarks.md).
"""
