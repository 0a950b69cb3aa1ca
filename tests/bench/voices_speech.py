"""Human speech of both sexes for the voice benchmark, from Debian packages: fetched when needed, never shipped."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
import soundfile
import soxr

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32

CACHE: Final = Path(__file__).resolve().parents[2] / "var" / "bench" / "speech"
RAW_RATE_HZ: Final = 16_000
PAUSE_SEC: Final = 0.48  # between clips, in whole frames

_READER = "pocketsphinx-testdata/usr/share/pocketsphinx/test/data/"
_CHAPTER = f"{_READER}librivox/sense_and_sensibility_01_austen_64kb-"
_ANNOUNCER = "asterisk-core-sounds-en-g722/usr/share/asterisk/sounds/en_US_f_Allison/"

# talker -> recording -> what is said in it; none near the 30 s that speech recognition takes at once
RECORDINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "man": {
        f"{_CHAPTER}0870.wav": (
            "and mister john dashwood had then leisure to consider how much there might be prudently in his "
            "power to do for them"
        ),
        f"{_CHAPTER}0880.wav": "he was not an ill disposed young man",
        f"{_CHAPTER}0890.wav": "unless to be rather cold hearted and rather selfish is to be ill disposed",
        f"{_CHAPTER}0920.wav": (
            "had he married a more amiable woman he might have been made still more respectable than he was"
        ),
        f"{_CHAPTER}0930.wav": "he might even have been made amiable himself",
    },
    "second man": {
        f"{_READER}goforward.raw": "go forward ten meters",
        f"{_READER}something.raw": "go somewhere and do something",
    },
    "woman": {
        f"{_ANNOUNCER}demo-abouttotry.g722": (
            "i am about to attempt an inter asterisk exchange connection to a demonstration server located at "
            "digium in order for this to work you must already be connected to the internet please wait a "
            "moment while i attempt to make the connection"
        ),
        f"{_ANNOUNCER}demo-nogo.g722": (
            "i'm afraid i was unable to create a connection to the digium demonstration asterisk server you may "
            "find some helpful debugging information on the asterisk console"
        ),
        f"{_ANNOUNCER}demo-echotest.g722": (
            "you are about to enter an echo test in this mode everything you say will be repeated back to "
            "you just as soon as it is received the purpose of this test is to give you an audible sense of "
            "the latency between you and the machine that is running the echo test application you may end "
            "the test by hanging up or by pressing the pound key"
        ),
        f"{_ANNOUNCER}tt-allbusy.g722": (
            "all representatives of the household are currently assisting other telemarketers please hold "
            "and your call will be answered in the order it was received"
        ),
        f"{_ANNOUNCER}queue-periodic-announce.g722": (
            "all of our representatives are currently busy please stay on the line and your call will be "
            "answered by the next available representative"
        ),
    },
}


class NoSpeech(Exception):
    """The recordings cannot be had here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording, and where it lies in its talker's speech."""

    name: str
    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class Speech:
    """One talker: float32 [n] at 24 kHz, the clips in a row with pauses between, n a whole number of frames."""

    talker: str
    samples: Float32
    clips: tuple[Clip, ...]


def human_speech(cache: Path = CACHE) -> list[Speech]:
    """Every talker. Raises NoSpeech."""
    for package in sorted({path.split("/")[0] for recordings in RECORDINGS.values() for path in recordings}):
        if not (cache / package).is_dir():
            fetch(package, cache)
    return [_in_a_row(talker, recordings, cache) for talker, recordings in RECORDINGS.items()]


def fetch(package: str, cache: Path) -> None:
    """Downloads a package and unpacks it, without installing it."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NoSpeech(
                f"the recordings come from Debian packages and {tool} was not found. Run this on Debian or Ubuntu, or "
                f"unpack the package {package} into {cache / package} by hand"
            )
    fresh = cache / f".{package}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    print(f"fetching {package} ...", flush=True)
    done = subprocess.run(["apt-get", "download", package], cwd=fresh, capture_output=True, text=True)
    archive = next(fresh.glob("*.deb"), None)
    if done.returncode or archive is None:
        raise NoSpeech(
            f"`apt-get download {package}` failed; try `apt-get update` first. It said: {done.stderr.strip()}"
        )
    subprocess.run(["dpkg-deb", "-x", str(archive), str(fresh)], check=True)
    archive.unlink()
    fresh.rename(cache / package)


def _in_a_row(talker: str, recordings: Mapping[str, str], cache: Path) -> Speech:
    pause = np.zeros(round(PAUSE_SEC * SAMPLE_RATE_HZ), np.float32)
    parts, clips, place = [pause], [], len(pause)
    for path, text in recordings.items():
        samples = read(cache / path)
        clips.append(Clip(Path(path).stem, place, place + len(samples), text))
        parts += [samples, pause]
        place += len(samples) + len(pause)
    parts.append(np.zeros(-place % FRAME_SAMPLES + FRAME_SAMPLES, np.float32))
    return Speech(talker, np.concatenate(parts), tuple(clips))


def read(path: Path) -> Float32:
    """float32 [n] at 24 kHz."""
    if path.suffix == ".raw":
        samples, rate_hz = np.fromfile(path, "<i2") / np.float32(32_768), RAW_RATE_HZ
    elif path.suffix == ".g722":
        with av.open(str(path), format="g722") as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        samples, rate_hz = np.concatenate(frames, 1)[0] / np.float32(32_768), RAW_RATE_HZ
    else:
        samples, rate_hz = soundfile.read(path, dtype="float32")
    return np.asarray(soxr.resample(np.asarray(samples, np.float32), rate_hz, SAMPLE_RATE_HZ), np.float32)
