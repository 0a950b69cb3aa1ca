"""The speech side of Hear Me Out: engines, voices and the worker that runs them.

Never imports Django. The web process imports only `client`, `catalog`, `wire`, `audio`, `tokens`
and `errors` from here; everything that loads a model lives in the worker process.
"""
