"""The web process: Daphne, as an operator would start it, with what the audio path needs switched on.

python -m hearmeout_site.web
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")

import gc
import sys

from daphne.cli import CommandLineInterface

from hearmeout_site.environment import read_environment

MAX_MESSAGE_BYTES = "131072"  # far above any message of the wire; a browser that sends more is cut off


def main() -> None:
    settings = read_environment()
    # what is loaded by now lives as long as the process: not scanning it again keeps pauses under 5 ms
    import hearmeout_site.asgi  # noqa: F401

    gc.collect()
    gc.freeze()
    arguments = ["--bind", settings.host, "--port", str(settings.port), "--verbosity", "0", "--no-server-name"]
    arguments += ["--websocket_timeout", "-1", "--application-close-timeout", "20"]
    arguments += ["--websocket-max-message-size", MAX_MESSAGE_BYTES, "--websocket-max-frame-size", MAX_MESSAGE_BYTES]
    CommandLineInterface().run([*arguments, *sys.argv[1:], "hearmeout_site.asgi:application"])


if __name__ == "__main__":
    main()
