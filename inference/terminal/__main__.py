"""`python -m inference.terminal`; see `--help`."""

from __future__ import annotations

import asyncio
import signal
import sys

from inference.terminal.address import Arguments, open_link, read_arguments
from inference.terminal.dialing import TalkProblem
from inference.terminal.printing import printable, write
from inference.terminal.sound import AnswerFile, Card, Recording, Sink, Sinks, Source
from inference.terminal.talking import Screen, Talk


def main() -> int:
    given = read_arguments()
    try:
        asyncio.run(_until_a_signal(given))
    except TalkProblem as problem:
        write(sys.stderr, f"{printable(str(problem))}\n")
        return problem.status
    except BrokenPipeError:  # whoever read what is printed has gone
        sys.stdout = sys.stderr = None  # or Python would try to flush them
        return TalkProblem.BROKE_OFF
    return 0


async def run(given: Arguments, stop: asyncio.Event) -> None:
    """Runs one conversation to its end or until `stop` is set. Raises TalkProblem."""
    screen = Screen(sys.stdout, sys.stderr)
    sinks: list[Sink] = []
    try:
        source: Source
        if given.question:
            source = Recording(given.question, given.after_sec, in_real_time=not given.fast)
        else:
            source = card = Card()
            sinks.append(card)
        if given.answer:
            sinks.append(AnswerFile(given.answer))
        opening = asyncio.create_task(open_link(given))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            await Talk(await opening, source, Sinks(*sinks), screen, paced=not given.fast).run(stop)
        opening.cancel()
        stopping.cancel()
    finally:
        for sink in sinks:
            sink.close()


async def _until_a_signal(given: Arguments) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(given, stop)


if __name__ == "__main__":
    sys.exit(main())
