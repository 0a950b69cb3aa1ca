"""The options of each engine's conversations, declared once and named in the engine's line of the catalogue.

The web checks studies against them, so nothing here loads a model.

cascade.py          the local engine
cascade_voice.py    the same, told how the participant sounds
moshi.py            Moshi in the worker
moshi_server.py     Moshi servers
openai_realtime.py  servers of the Realtime protocol
"""
