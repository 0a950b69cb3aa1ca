"""The far end of the relay benchmark: answers every step at once, with the times at which it came and went.

python -m tests.bench.relay_worker PORT WEB_URL SECRET

It speaks the inference worker's wire, token and heartbeat included, and has no engine: what is measured is the way
there and back alone. The stamps are the first samples of the agent's frame.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from typing import Any, Final

import structlog
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import BYTES_PER_SAMPLE, UPLINK_PER_FRAME, UPLINK_SAMPLES
from inference.contract.tokens import SLOT, TokenReader
from inference.contract.wire import AUDIO_HEADER, Kind, Metadata, encode
from inference.worker.heartbeat import Heartbeat
from tests.bench.relay_stamps import SENT, STAMPS

SLOTS: Final = 512
LAST_PIECE: Final = AUDIO_HEADER.size + (UPLINK_PER_FRAME - 1) * UPLINK_SAMPLES * BYTES_PER_SAMPLE
LIVE: Final = Metadata(
    "live", {"engine": "echo", "snapshot": {}, "voices": [], "latency_samples": 0, "resumed": False, "next_step": 0}
)


async def serve_until_killed(port: int, web_url: str, secret: str) -> None:
    tokens = TokenReader(secret)
    address = tokens.address = f"ws://127.0.0.1:{port}"

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        tokens.read(SLOT, connection.request.headers["Authorization"].removeprefix("Bearer "))
        await connection.send(encode(LIVE))
        try:
            while True:
                data = await connection.recv()
                received_ns = time.monotonic_ns()
                if data[0] != Kind.PARTICIPANT:
                    return
                assert isinstance(data, bytes)
                _, step, sample = AUDIO_HEADER.unpack_from(data)
                sent_ns = SENT.unpack_from(data, LAST_PIECE)[0]
                pcm = data[AUDIO_HEADER.size + STAMPS.size :]
                await connection.send(AUDIO_HEADER.pack(Kind.HEARD, step, sample) + data[AUDIO_HEADER.size :])
                stamps = STAMPS.pack(sent_ns, received_ns, time.monotonic_ns())
                await connection.send(AUDIO_HEADER.pack(Kind.AGENT, step, sample) + stamps + pcm)
        except ConnectionClosed:
            return

    def report() -> dict[str, Any]:
        return {
            "name": "bench",
            "address": address,
            "engines": {"echo": {}},
            "converters": ["none"],
            "slots": SLOTS,
            "free_slots": SLOTS,
        }

    async with serve(answer, "127.0.0.1", port, compression=None, backlog=1_024, ping_interval=None):
        gc.collect()
        gc.freeze()
        await Heartbeat(web_url, secret, report).run()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    uvloop.run(serve_until_killed(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
