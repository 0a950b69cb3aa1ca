"""A participant talks with any server of the OpenAI Realtime protocol: OpenAI, Azure, Unmute, and others that speak it.

settings.py      which server, with which key, in which dialect
dialects.py      the dialects: how a session is asked for, how its sound is coded
session.py       one conversation's connection
events.py        what the server's events mean: turns, answers, interruptions
participant.py   when the participant speaks, and what the server makes of it
answer.py        one answer: its sound, its words and when they are said
fields.py        the fields of events, which may hold anything
errors.py        what the server complains of, in plain words
engine.py        the engine
"""
