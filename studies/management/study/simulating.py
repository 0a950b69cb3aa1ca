"""`simulate`: bots go through a study, and the export is held against what they did."""

from __future__ import annotations

import asyncio
import math
import re
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.text import slugify

from studies.entrance import mode_link
from studies.errors import ProtocolError, SimulationError
from studies.management.study.files import read_protocol, refused, stored_protocol, version_named
from studies.models import ProtocolVersion, Session, Study
from studies.publish import publish
from studies.simulation.comparing import differences
from studies.simulation.run import Plan, Visits, send_bots
from studies.simulation.talking import read_microphone

SENTENCE: Final = "studies/audio/sample-sentence.flac"
MOST_SHOWN: Final = 50
MOST_BOTS: Final = 10_000
INTERRUPTED: Final = 130  # as shells say it


def add_simulate(parser: CommandParser) -> None:
    parser.add_argument("file", help="A YAML file, or the link of a published study (link@2 for a version).")
    parser.add_argument("--sessions", type=_count, default=4, help="Number of sessions (4).")
    parser.add_argument("--at-once", type=_count, help="Number of sessions at a time; all if left out.")
    parser.add_argument(
        "--talk-sec",
        type=_seconds,
        default=6.0,
        help="How long each conversation lasts in seconds (6), or less where its limit is shorter.",
    )
    parser.add_argument(
        "--microphone", type=Path, help="A recording of speech; by default, a sentence that comes with this program."
    )
    parser.add_argument(
        "--url", type=_address, default=f"http://127.0.0.1:{settings.WEB_PORT}", help="Where the site runs."
    )
    parser.add_argument("--seed", type=int, default=0, help="A different number gives different answers (0).")


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
    """Visits of mode bot, which count nowhere. Raises CommandError unless all came to the end they had to come to and
    the export equals what they did; its status is 130 after Ctrl-C."""

    def tell(line: str) -> None:
        command.stdout.write(line)
        command.stdout.flush()

    try:
        voice = read_microphone(microphone or Path(str(finders.find(SENTENCE))))
    except SimulationError as error:
        raise CommandError(str(error)) from None
    version = _version(file)
    protocol = stored_protocol(version)
    link = mode_link(version.study, Session.Mode.BOT, version)
    plan = Plan(url, link, sessions, min(at_once or sessions, sessions), talk_sec, seed)
    tell(f"{version}: {sessions} bots at {plan.url}, {plan.at_once} at a time")
    began, visits, stopped = time.monotonic(), Visits(), False
    try:
        asyncio.run(send_bots(plan, protocol, voice, visits, lambda line: tell(f"  {line}")))
    except SimulationError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        stopped = True
    diaries = sorted(visits.diaries, key=lambda diary: diary.bot)
    wrong, cells = differences(version, diaries)
    tell(_summary(visits, sessions, time.monotonic() - began, cells))
    problems = [*sorted(visits.failures), *wrong]
    if problems:
        rest = [f"and {len(problems) - MOST_SHOWN} more"] if len(problems) > MOST_SHOWN else []
        listed = "\n".join(f"  {problem}" for problem in [*problems[:MOST_SHOWN], *rest])
        found = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise CommandError(f"the simulation found {found}:\n{listed}", returncode=INTERRUPTED if stopped else 1)
    if stopped:
        raise CommandError("stopped before all bots were through", returncode=INTERRUPTED)
    tell("The export equals what the bots did. Bots count nowhere: not in the balance, not in quotas, not as people.")


def _summary(visits: Visits, sessions: int, took_sec: float, cells: int) -> str:
    talks = sum(len(diary.talks) for diary in visits.diaries)
    screened = visits.ended("screened")
    out = f" and {screened} {'was' if screened == 1 else 'were'} screened out by their answers" if screened else ""
    return (
        f"{visits.ended('finished')} of {sessions} came to the end{out} in {took_sec:.0f} s, with {talks} talks; "
        f"{cells} cells of the export were compared"
    )


def _version(file: str) -> ProtocolVersion:
    """Of a study on this server, or of a file: then in a study of its own, which is not open to participants."""
    if not Path(file).is_file() and not file.endswith((".yaml", ".yml")):
        return version_named(file)
    protocol = read_protocol(file)
    slug = f"simulation-{slugify(Path(file).stem) or 'file'}"[:50].rstrip("-")
    try:
        with transaction.atomic():
            study, _ = Study.objects.get_or_create(
                slug=slug, defaults={"title": f"Simulation of {protocol.title}"[:200]}
            )
            return publish(study, protocol)
    except ProtocolError as error:
        raise refused(f"{file} is a valid protocol, but cannot be published here", error.problems) from None


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= MOST_BOTS:
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


def _address(text: str) -> str:
    """Of a site, without a path."""
    try:
        parts = urlsplit(text)
        is_site = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_site = False
    if not is_site or parts.path.strip("/") or parts.query or parts.fragment:
        raise ArgumentTypeError(f"{text!r} is not the address of a site, such as http://127.0.0.1:8000")
    return text.rstrip("/")
