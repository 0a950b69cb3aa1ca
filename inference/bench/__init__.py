"""Measures an engine on this machine: `python -m inference.bench --engine moshi --slots 1 4 8 16`.

    speech.py    what the rows hear
    measure.py   one engine with one number of slots: at the pace of a conversation, then flat out
    report.py    measurements to JSON and to a Markdown table, beside what the memory model says
    __main__.py  the command; every number of slots in a process of its own, so that none leaves memory to the next

It steps the engine alone: sockets, voice conversion and the journal come on top (docs/benchmarks.md).
"""
