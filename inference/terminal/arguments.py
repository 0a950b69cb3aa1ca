"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inference.contract.presets import PRESETS

DEFAULT_URL: Final = "ws://127.0.0.1:8700"
ADDRESSES: Final = """
what URL can be:
  ws://host:8700               an inference worker: by /slot where WORKER_SECRET is known here, else by /api/chat
  ws://host:8998               a Moshi server (python -m moshi.server, moshi-backend, PersonaPlex): /api/chat
  https://site/p/<token>/...   your link in a study on a Hear Me Out site; consent and device check come first, there
  ws://host/api/chat           exactly this

examples:
  python -m inference.terminal
  python -m inference.terminal --engine moshi --voice higher --temperature 0.7
  python -m inference.terminal --in question.wav --out answer.wav ws://localhost:8998

exit status: 0 the talk ended, 1 it broke off, 2 the command is wrong, 3 nobody answers there, 4 refused,
5 no microphone, loudspeaker or file
"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments as given, with "" or None for those that were not."""

    url: str
    token: str
    engine: str
    voice: str
    text_prompt: str
    voice_prompt: str
    seed: int | None
    options: dict[str, float]
    question: Path | None
    answer: Path | None
    after_sec: float
    fast: bool
    certificate: Path | None
    insecure: bool


def read(argv: Sequence[str] | None = None) -> Arguments:
    """Reads the command line. If it is wrong, prints the error and exits with status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m inference.terminal",
        description="Talk in a terminal with an inference worker, a study's site or a Moshi server.",
        epilog=ADDRESSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", nargs="?", default=DEFAULT_URL, metavar="URL", help=f"default: {DEFAULT_URL}")
    parser.add_argument("--token", default="", help="a session's token on a site, or a worker's slot token")
    who = parser.add_argument_group("with whom, and as whom")
    who.add_argument("--engine", default="", help="an engine of the worker, or one that an explore study offers")
    who.add_argument("--voice", default="", help=f"what you are heard as: {', '.join(PRESETS)}")
    who.add_argument("--text-prompt", default="", help="the persona, where the engine has any")
    who.add_argument("--voice-prompt", default="", help="the agent's voice, where the engine has any")
    who.add_argument("--seed", type=int)
    for name, kind, about in (
        ("temperature", float, "of the sound, or of the cascade's language model"),
        ("top-k", int, "of the sound"),
        ("text-temperature", float, "of the words"),
        ("text-top-k", int, "of the words"),
    ):
        who.add_argument(f"--{name}", type=kind, help=about)
    sound = parser.add_argument_group("sound (default: microphone and loudspeaker)")
    sound.add_argument("--in", dest="question", type=Path, metavar="FILE", help="say this recording instead")
    sound.add_argument("--out", dest="answer", type=Path, metavar="FILE", help="keep the answer as a WAV file")
    sound.add_argument(
        "--after", dest="after_sec", type=float, default=10.0, metavar="SEC",
        help="silence after the recording, in which the answer is heard (default: 10)",
    )  # fmt: skip
    sound.add_argument("--fast", action="store_true", help="say the recording as fast as the server answers")
    secure = parser.add_argument_group("wss:// and https://")
    secure.add_argument("--certificate", type=Path, metavar="FILE", help="trust this one (PEM)")
    secure.add_argument("--insecure", action="store_true", help="trust anybody")
    given = parser.parse_args(argv)
    if given.fast and not given.question:
        parser.error("--fast needs a recording: --in FILE")
    if not 0 <= given.after_sec <= 3_600:
        parser.error("--after takes 0 to 3600 seconds")
    if given.voice and given.voice not in PRESETS and "/p/" not in given.url and not given.url.startswith("http"):
        parser.error(f"there is no voice called {given.voice!r}; known: {', '.join(PRESETS)}")
    return Arguments(**_as_fields(vars(given)))


def _as_fields(given: dict[str, Any]) -> dict[str, Any]:
    names = ("temperature", "top_k", "text_temperature", "text_top_k")
    options = {name: given.pop(name) for name in names}
    return {**given, "options": {name: value for name, value in options.items() if value is not None}}
