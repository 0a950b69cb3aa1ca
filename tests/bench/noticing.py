"""What the local engine notices of real laughs, breaths and speech: hits and false alarms (docs/told.md has them).

python -m tests.bench.noticing            # fetches about 330 MB of Debian packages
python -m tests.bench.noticing --small    # fetches about 38 MB: scratch, telephone prompts, readers
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from inference.contract.audio import Float32
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.hearing.voice.noticing import notice
from tests.bench.noticing_sounds import LARGE, LEAST_SEC, SMALL, Kind, in_a_room, kinds, recording
from tests.bench.voices_speech import NoSpeech

ROOMS_DBFS: Final = (-65.0, -45.0)  # a quiet room, and one with a fan; speech is at about -22
NOTHING_BEFORE: Final[Float32] = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Count:
    """What was noticed in the recordings of one kind."""

    kind: Kind
    recordings: int
    minutes: float
    laughing: Sequence[str]
    sighing: Sequence[str]

    @property
    def missed(self) -> list[str]:
        """The recordings in which what they have was not noticed."""
        found = {"laughing": self.laughing, "sighing": self.sighing}.get(self.kind.has)
        return [] if found is None else [_name(path) for path in self.kind.files if _name(path) not in found]


def count(kind: Kind, noise_dbfs: float) -> Count:
    """Listens to every recording of a kind as if it were a speaker's first turn."""
    options = VoiceOptions()
    recordings, samples = 0, 0
    found: dict[str, list[str]] = {"laughing": [], "sighing": []}
    for path in kind.files:
        sound = recording(path)
        if len(sound) < LEAST_SEC * RATE_HZ:
            continue
        recordings += 1
        samples += len(sound)
        words = notice(NOTHING_BEFORE, in_a_room(sound, noise_dbfs), (), options).words
        for word, names in found.items():
            if word in words:
                names.append(_name(path))
    return Count(kind, recordings, samples / RATE_HZ / 60, found["laughing"], found["sighing"])


def lines(counts: Sequence[Count]) -> Iterator[str]:
    """The table and, below it, what was missed and what was taken for something else."""
    yield "| Recordings | Number | Minutes | told as laughing | told as sighing |"
    yield "|---|---|---|---|---|"
    for each in counts:
        laughing, sighing = len(each.laughing), len(each.sighing)
        yield f"| {each.kind.name} | {each.recordings} | {each.minutes:.1f} | {laughing} | {sighing} |"
    for each in counts:
        if each.missed:
            yield f"Missed of {each.kind.name}: {', '.join(each.missed)}"
        wrong = [name for word in ("laughing", "sighing") if word != each.kind.has for name in getattr(each, word)]
        if wrong:
            yield f"False alarms in {each.kind.name}: {', '.join(wrong)}"


def _name(path: object) -> str:
    return "/".join(str(path).split("/")[-2:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="leave out the large packages")
    given = parser.parse_args()
    try:
        listened_to = kinds(SMALL if given.small else (*SMALL, *LARGE))
    except NoSpeech as error:
        print(error, file=sys.stderr)
        return 1
    for noise_dbfs in ROOMS_DBFS:
        print(f"\nIn a room with noise of {noise_dbfs:g} dBFS:\n")
        print("\n".join(lines([count(kind, noise_dbfs) for kind in listened_to])), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
