"""What a study can ask of an engine's conversations, declared once for each engine and named on its line of the
catalogue. The web checks studies by it, so nothing here loads a model.

cascade.py          the local engine
moshi.py            Moshi in the worker
moshi_server.py     Moshi servers
openai_realtime.py  servers of the Realtime protocol
"""
