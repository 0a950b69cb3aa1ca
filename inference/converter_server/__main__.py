"""python -m inference.converter_server transform
python -m inference.converter_server seed_vc --weights FOLDER
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from inference.contract.catalog import CONVERTERS
from inference.contract.errors import EngineUnavailable
from inference.contract.settings import Settings
from inference.converter_server.network import LocalNetwork, Network
from inference.converter_server.server import ConverterServer

PORT: Final = 8_800
LOCAL: Final = ("resynthesis", "transform")


class ConverterServerSettings(Settings):
    """Only the key comes from the environment: every user of the machine can read the command line."""

    model_config = SettingsConfigDict(env_prefix="CONVERTER_SERVER_")

    key: str = Field(
        "", repr=False, description="What clients must send as REMOTE_VC_KEY; empty lets in whoever reaches the port."
    )


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inference.converter_server",
        description="Converts voices for inference workers (REMOTE_VC_URL).",
        epilog="With CONVERTER_SERVER_KEY in the environment, only those who send it as REMOTE_VC_KEY are let in.",
    )
    parser.add_argument("network", choices=(*LOCAL, "seed_vc"), help="what converts")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="the port to listen on (%(default)s)")
    parser.add_argument("--rows", type=int, default=0, help="talkers at once (the network's own choice)")
    parser.add_argument("--weights", type=Path, help="folder with the weights of seed_vc")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (%(default)s)")
    return parser


def maker(options: argparse.Namespace) -> Callable[[], Network]:
    """Returns a function that loads the requested network, to be called on the thread that will own it."""
    if options.network in LOCAL:
        assert options.network in CONVERTERS
        return partial(LocalNetwork, options.network, *([options.rows] if options.rows else []))

    def seed_vc() -> Network:
        from inference.converter_server.seed_vc import SeedVcNetwork  # Its packages are optional.

        return SeedVcNetwork(options.weights, rows=options.rows or 1, device=options.device)

    return seed_vc


async def serve(server: ConverterServer) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit status."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await server.start()
    except (EngineUnavailable, OSError) as error:
        print(f"The converter server cannot start: {error}", file=sys.stderr)
        return 1
    print(f"REMOTE_VC_URL={server.address}", flush=True)
    await stopped.wait()
    await server.stop()
    return 0


def main() -> int:
    options = arguments().parse_args()
    logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stderr)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # It would print what peers send.
    key = ConverterServerSettings.read(os.environ).key
    server = ConverterServer(maker(options), options.host, options.port, key)
    return asyncio.run(serve(server))


if __name__ == "__main__":
    sys.exit(main())
