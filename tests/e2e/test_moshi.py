"""People who talk with the tiny Moshi in real browsers: nothing of one reaches another, a talk goes on when its worker
stops, and another begins by itself when its worker dies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, Playwright, expect

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, Int16, float32_to_pcm16, pcm16_to_float32
from inference.engines.base import SlotConfig
from inference.engines.moshi.engine import MoshiEngine
from tests.e2e.alignment import likeness
from tests.e2e.filing import filed_takes
from tests.e2e.stack import Stack
from tests.e2e.visitor import end_talk, open_browser
from tests.e2e.worker import MoshiWorker
from tests.moshi_checkpoint import tiny_checkpoint
from tests.speech import read_microphone, write_microphone

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PEOPLE = 4
TALK_SEC = 6.0
SIGNAL_SEC = 40.0
WINDOW = 2 * SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def stack(echo_stack: Stack) -> Stack:
    """Its own worker echoes, so that Moshi is where the tests put it."""
    return echo_stack


@pytest.fixture(scope="module")
def staying(stack: Stack) -> Iterator[MoshiWorker]:
    with MoshiWorker(stack, stack.folder, "staying", slots=PEOPLE) as worker:
        yield worker


@pytest.fixture(scope="module")
def engine() -> Iterator[MoshiEngine]:
    """For conversations of their own, to compare with."""
    engine = MoshiEngine(PEOPLE, {"MOSHI_CHECKPOINT": str(tiny_checkpoint()), "MOSHI_DEVICE": "cpu"})
    engine.warm_up()
    yield engine
    engine.shut_down()


@dataclass
class Person:
    """Somebody with a browser whose microphone plays a noise that nobody else has."""

    token: str
    browser: Browser
    page: Page
    signal: Float32  # at 24 kHz

    def start(self) -> None:
        self.page.get_by_role("button", name="Start talking").click()

    def state(self, state: str, within_sec: float = 60) -> None:
        expect(self.page.locator("#talk")).to_have_attribute("data-state", state, timeout=within_sec * 1_000)

    def talk(self, seconds: float) -> None:
        self.page.wait_for_timeout(seconds * 1_000)

    def end(self) -> str:
        """Returns what the machine was seen to say."""
        said = " ".join(self.page.locator("[data-part=words] > *").all_inner_texts())
        end_talk(self.page)
        self.state("ended")
        return said


def noise(seed: int) -> Float32:
    """Noise of speech's band with a rhythm of its own, float32 [n] at 24 kHz."""
    generator = np.random.default_rng(seed)
    white = generator.standard_normal(int(SIGNAL_SEC * SAMPLE_RATE_HZ))
    band = np.convolve(white, np.hanning(9) / 4, mode="same")
    rhythm = 0.6 + 0.4 * np.sin(2 * np.pi * (1.3 + 0.4 * seed) * np.arange(len(band)) / SAMPLE_RATE_HZ)
    signal: Float32 = (0.3 * rhythm * band / np.abs(band).max()).astype(np.float32)
    return signal


@pytest.fixture
def people(stack: Stack, playwright: Playwright, tmp_path: Path) -> Iterator[Any]:
    """people(n): so many, each at the talk page in a browser of its own."""
    opened: list[Person] = []

    def arrive(count: int) -> list[Person]:
        tokens = stack.script("tests.e2e.seed", trials=1, engine="moshi", sessions=count)
        for number, token in enumerate(tokens):
            microphone = write_microphone(tmp_path / f"{number}.wav", noise(number))
            browser = open_browser(playwright, microphone)
            page = browser.new_page()
            page.goto(f"{stack.url}/p/{token}/talk/0/")
            opened.append(Person(token, browser, page, read_microphone(microphone)))
        return opened

    yield arrive
    for person in opened:
        person.browser.close()


@dataclass
class Filed:
    """What is filed of a take."""

    row: dict[str, Any]
    tracks: dict[str, Int16]
    events: list[dict[str, Any]]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == name]

    @property
    def words(self) -> list[tuple[str, float]]:
        return [(event["text"], event["start_ms"]) for event in self.named("words")]


def takes_of(stack: Stack, people: Sequence[Person]) -> list[list[Filed]]:
    """Everybody's, once they are filed."""
    rows = filed_takes(stack, [person.token for person in people])
    return [[read(row) for row in takes] for takes in rows]


def read(row: dict[str, Any]) -> Filed:
    tracks = {}
    for kind, track in row["tracks"].items():
        tracks[kind], rate_hz = soundfile.read(track["path"], dtype="int16")
        assert rate_hz == SAMPLE_RATE_HZ
    events = [json.loads(line) for line in Path(row["events"]).read_text().splitlines()]
    return Filed(row, tracks, events)


def whole(take: Filed, kind: str) -> Int16:
    """A track without its gaps: on a busy machine a microphone stalls, also in the middle of a step."""
    track = take.row["tracks"][kind]
    kept = np.ones(track["duration_samples"], bool)
    for first, samples in track["gaps"]:
        kept[first : first + samples] = False
    return take.tracks[kind][kept]


def alone(engine: MoshiEngine, take: Filed) -> tuple[Int16, list[tuple[str, float]]]:
    """What the engine says and writes when nobody else is there, to exactly what it heard in this take."""
    heard = whole(take, "heard")
    said, words = np.zeros_like(heard), []
    engine.open(0, SlotConfig(seed=take.row["seed"]))
    for start in range(0, len(heard), FRAME_SAMPLES):
        output = engine.step({0: pcm16_to_float32(heard[start : start + FRAME_SAMPLES].tobytes())})[0]
        said[start : start + FRAME_SAMPLES] = np.frombuffer(float32_to_pcm16(output.pcm), "<i2")
        words += [(event.data["text"], event.data["start_ms"]) for event in output.events if event.event == "words"]
    engine.close(0)
    return said, words


def assert_as_alone(engine: MoshiEngine, take: Filed) -> None:
    said, words = alone(engine, take)
    agent = whole(take, "agent")
    assert np.abs(agent).max() > 100
    assert 0 <= len(said) - len(agent) <= FRAME_SAMPLES  # the end of the talk may come between hearing and answer
    assert np.abs(agent.astype(int) - said[: len(agent)].astype(int)).max() <= 1, "the batch changes what one hears"
    assert take.words == words[: len(take.words)]
    assert len(take.words) >= len(words) - 1  # the last may come with a step that the end of the talk cut off


def assert_own_voice(take: Filed, person: Person, others: Sequence[Person]) -> None:
    """In every stretch of the recording; and nothing else reached the engine."""
    participant, heard = take.tracks["participant"], take.tracks["heard"]
    windows = [participant[start : start + WINDOW] for start in range(0, len(participant) - WINDOW, WINDOW)]
    voiced = [window.astype(np.float32) for window in windows if np.abs(window).max() > 300]
    assert len(voiced) * WINDOW > 0.5 * len(participant)
    for window in voiced:
        assert likeness(person.signal, window) > 0.3  # where a busy machine slips, not all of it fits at once
        assert max([likeness(other.signal, window) for other in others], default=0.0) < 0.15
    assert max(likeness(person.signal, window) for window in voiced) > 0.9
    gap = np.zeros(len(heard), bool)
    for first, samples in take.row["tracks"]["heard"]["gaps"]:
        gap[first : first + samples] = True
    np.testing.assert_array_equal(heard[~gap], participant[~gap])


def assert_all_missing_was_told(take: Filed) -> None:
    """What a track lacks that the microphone has is what the talk said it left out; but for its last moment, in which
    the talk was over."""
    told = FRAME_SAMPLES * sum(int(event["frames"]) for event in take.named("overflow"))  # none on a quiet machine

    def missing(kind: str, until: int) -> int:
        gaps = {name: take.row["tracks"][name]["gaps"] for name in (kind, "participant")}
        lost: dict[str, int] = {
            name: sum(samples for first, samples in gaps[name] if first + samples <= until) for name in gaps
        }
        return lost[kind] - lost["participant"]

    for kind in ("heard", "agent"):
        end = take.row["tracks"][kind]["duration_samples"]
        assert missing(kind, end - 1) <= told <= missing(kind, end)


def test_four_people_at_once_are_never_mixed(
    stack: Stack, staying: MoshiWorker, engine: MoshiEngine, people: Any
) -> None:
    four: list[Person] = people(PEOPLE)
    for person in four:
        person.start()
    for person in four:
        person.state("live")
    four[0].talk(TALK_SEC)
    shown = [person.end() for person in four]
    takes = takes_of(stack, four)
    assert [len(each) for each in takes] == [1] * PEOPLE
    firsts = [each[0] for each in takes]
    assert [take.row["outcome"] for take in firsts] == ["completed"] * PEOPLE
    assert [take.row["test_only"] for take in firsts] == [True] * PEOPLE
    for person, take, seen in zip(four, firsts, shown, strict=True):
        assert_own_voice(take, person, [other for other in four if other is not person])
        assert_as_alone(engine, take)
        assert take.words[:3] == [] or take.words[0][0] in seen
    for number, take in enumerate(firsts):
        for other in firsts[number + 1 :]:
            length = min(len(take.tracks["agent"]), len(other.tracks["agent"]))
            assert not np.array_equal(take.tracks["agent"][:length], other.tracks["agent"][:length])
            assert take.words != other.words


def test_talk_goes_on_when_its_worker_stops(
    stack: Stack, staying: MoshiWorker, engine: MoshiEngine, people: Any, tmp_path: Path
) -> None:
    with MoshiWorker(stack, tmp_path, "leaving", slots=PEOPLE + 1) as leaving:
        (person,) = people(1)
        person.start()
        person.state("live")
        person.talk(2)
        leaving.stop()
        assert leaving.wait() == 0
        person.talk(3)
        person.state("live")
        person.end()
    ((take,),) = takes_of(stack, [person])
    assert (take.row["outcome"], take.row["number"], take.row["counts"]["engine_moves"]) == ("completed", 1, 1)
    assert [(event["from"], event["to"]) for event in take.named("moved")] == [("leaving", "staying")]
    assert_all_missing_was_told(take)
    assert_own_voice(take, person, [])
    assert_as_alone(engine, take)


def test_killed_worker_is_followed_by_another_take_by_itself(
    stack: Stack, staying: MoshiWorker, engine: MoshiEngine, people: Any, tmp_path: Path
) -> None:
    with MoshiWorker(stack, tmp_path, "dying", slots=PEOPLE + 1) as dying:
        (person,) = people(1)
        person.start()
        person.state("live")
        person.talk(2)
        dying.kill()
        person.state("restarting")
        expect(person.page.get_by_text("What has been said so far is saved")).to_be_visible()
        person.state("live")
        person.talk(2)
        person.end()
    ((first, second),) = takes_of(stack, [person])
    assert [(take.row["number"], take.row["outcome"], take.row["end_reason"]) for take in (first, second)] == [
        (1, "interrupted", "engine_lost"),
        (2, "completed", "participant"),
    ]
    assert [take.named("slot")[0]["worker"] for take in (first, second)] == ["dying", "staying"]
    for take in (first, second):
        assert_own_voice(take, person, [])
        assert_as_alone(engine, take)
