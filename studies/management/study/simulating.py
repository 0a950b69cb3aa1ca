"""`simulate`: bots go through a study, and the export is held against what they did."""

from __future__ import annotations

import asyncio
import math
import os
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles import finders
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from studies.entrance import mode_link
from studies.errors import ProtocolError
from studies.management.study.files import read_protocol, refused, version_named
from studies.models import ProtocolVersion, Session, Study
from studies.publish import protocol_of, publish
from studies.simulation.comparing import differences
from studies.simulation.errors import SimulationError
from studies.simulation.microphone import read_microphone
from studies.simulation.run import Plan, send_bots

SENTENCE: Final = "studies/audio/sample-sentence.flac"
MOST_SHOWN: Final = 50
MOST_BOTS: Final = 10_000


def add_simulate(parser: CommandParser) -> None:
    parser.add_argument("file", help="A YAML file, or the link of a published study (link@2 for a version).")
    parser.add_argument("--sessions", type=_count, default=4, help="So many visits (4).")
    parser.add_argument("--at-once", type=_count, help="So many of them at a time; all when left out.")
    parser.add_argument("--talk-sec", type=_seconds, default=6.0, help="How long each talk lasts (6).")
    parser.add_argument("--microphone", type=Path, help="A spoken recording; a sentence that comes with this program.")
    parser.add_argument("--url", default=f"http://127.0.0.1:{os.environ.get('PORT', '8000')}", help="Where it runs.")
    parser.add_argument("--seed", type=int, default=0, help="Other answers for another number (0).")


def simulate(
    command: BaseCommand,
    *,
    file: str,
    sessions: int,
    at_once: int | None,
    talk_sec: float,
    microphone: Path | None,
    url: str,
    seed: int,
    **options: Any,
) -> None:
    """Visits of mode bot, which count nowhere. Raises CommandError unless all came to their end and the export equals
    what they did."""
    version = _version(file)
    protocol = protocol_of(version)
    link = mode_link(version.study, Session.Mode.BOT, version)
    plan = Plan(url.rstrip("/"), link, sessions, at_once or sessions, talk_sec, seed)
    began = time.monotonic()
    try:
        voice = read_microphone(microphone or Path(str(finders.find(SENTENCE))))
        command.stdout.write(f"{version}: {sessions} bots at {plan.url}, {plan.at_once} at a time")
        visits = asyncio.run(send_bots(plan, protocol, voice, lambda line: command.stdout.write(f"  {line}")))
    except SimulationError as error:
        raise CommandError(str(error)) from None
    wrong, cells = differences(version, visits.diaries)
    took_sec = time.monotonic() - began
    talks = sum(len(diary.talks) for diary in visits.diaries)
    command.stdout.write(
        f"{len(visits.diaries)} of {sessions} came to the end in {took_sec:.0f} s, with {talks} talks; "
        f"{cells} cells of the export were compared"
    )
    problems = [*visits.failures, *wrong]
    if problems:
        rest = [f"and {len(problems) - MOST_SHOWN} more"] if len(problems) > MOST_SHOWN else []
        listed = "\n".join(f"  {problem}" for problem in [*problems[:MOST_SHOWN], *rest])
        raise CommandError(f"the simulation found {len(problems)} problems:\n{listed}")
    command.stdout.write("The export equals what the bots did.")


def _version(file: str) -> ProtocolVersion:
    """Of a study on this server, or of a file: then in a study of its own, which is not open to participants."""
    if not Path(file).exists() and not file.endswith((".yaml", ".yml")):
        return version_named(file)
    protocol = read_protocol(file)
    slug = f"simulation-{Path(file).stem}"[:50].lower()
    try:
        with transaction.atomic():
            study, _ = Study.objects.get_or_create(
                slug=slug, defaults={"title": f"Simulation of {protocol.title}"[:200]}
            )
            return publish(study, protocol)
    except ProtocolError as error:
        raise refused(f"{file} is a valid protocol, but cannot be published here", error.problems) from None


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_BOTS:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_BOTS}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= 600:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 600")
    return seconds
