"""An engine for any server of the OpenAI Realtime protocol: OpenAI, Azure, Unmute and others.

settings.py      which server, with which key, in which dialect
dialects.py      the dialects: how a session is requested, how its sound is coded
events.py        what the server's events mean: turns, answers, interruptions
answer.py        one answer: its sound, its words and when they are said; when the participant speaks
fields.py        the fields of events, which may hold anything, and the server's errors in plain words
engine.py        the engine, and one conversation's connection
"""
