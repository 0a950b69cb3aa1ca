"""Studies as no researcher writes them: the ready ones with lines lost, moved, repeated and filled with nonsense. Each
is either read, or refused with problems that say where."""

from __future__ import annotations

import random
from typing import Final

from hearmeout_site.environment import ROOT
from studies.errors import ProtocolError
from studies.protocol.reading.document import parse_yaml, to_yaml
from tests.attack.tally import Tally
from tests.attack.target import Target

TRIES: Final = 250
ODD: Final = (
    "0x" + "f" * 3_600,
    "&a [*a]",
    "!!python/object/apply:os.system ['true']",
    "{" * 200,
    "2001-02-30",
    "1e400",
    ".nan",
    "\u202e",
    "|\n  a\n b",
    "<<: *nowhere",
    "? [a, b] : c",
    "-" * 3_000,
    "999999999999999999999",
    "'",
    "[]",
    "null",
    "e\u0301",
)


async def attack(target: Target, tally: Tally) -> None:
    templates = sorted((ROOT / "studies" / "protocol" / "templates").glob("*.yaml"))
    texts = [path.read_text() for path in templates]
    for _ in range(TRIES):
        text = mutated(target.chance, target.chance.choice(texts))
        try:
            read = parse_yaml(text)
            tally.holds(parse_yaml(to_yaml(read)) == read, "a document does not come back as it was written")
        except ProtocolError as error:
            told = error.problems and all(problem.message for problem in error.problems)
            tally.holds(told, "is refused without a problem that says why")
        except Exception as error:
            tally.holds(False, f"{type(error).__name__}: {str(error)[:100]}")


def mutated(chance: random.Random, text: str) -> str:
    lines = text.splitlines()
    for _ in range(chance.randrange(1, 4)):
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[other])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = lines[at].partition(":")[0] + ": " + chance.choice(ODD)
            case 4:
                lines[at] = " " * chance.randrange(5) + lines[at]
            case _:
                cut = chance.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:cut] + chance.choice(ODD) + lines[at][cut:]
    return "\n".join(lines)
