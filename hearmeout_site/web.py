"""The web process: Daphne as an operator would start it, with the options that the audio path needs.

python -m hearmeout_site.web
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")

import gc
import sys

from daphne.cli import CommandLineInterface

from hearmeout_site.environment import read_environment

MAX_MESSAGE_BYTES = "131072"  # This is far above any message of the wire; a browser that sends more is disconnected.


def main() -> None:
    settings = read_environment()
    # What is loaded by now lives as long as the process. Excluding it from garbage collection keeps pauses under 5 ms.
    import hearmeout_site.asgi  # noqa: F401

    gc.collect()
    gc.freeze()
    arguments = ["--bind", settings.host, "--port", str(settings.port), "--verbosity", "0", "--no-server-name"]
    arguments += ["--websocket_timeout", "-1", "--application-close-timeout", "20"]
    arguments += ["--websocket-max-message-size", MAX_MESSAGE_BYTES, "--websocket-max-frame-size", MAX_MESSAGE_BYTES]
    CommandLineInterface().run([*arguments, *sys.argv[1:], "hearmeout_site.asgi:application"])


if __name__ == "__main__":
    main()
