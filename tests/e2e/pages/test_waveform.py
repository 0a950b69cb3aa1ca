"""The players of recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from tests.e2e.pages.conftest import Launch, NewPage, Screenshots, voiced
from tests.e2e.pages.server import PageServer

Players = Callable[[str], str]
pytestmark = pytest.mark.browser

STYLES = ("tokens", "base", "components", "waveform")
HEAD = f"""<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{"".join(f'<link rel="stylesheet" href="/static/studies/css/{name}.css">' for name in STYLES)}
<script type="importmap" nonce="test">
  {{"imports": {{"wavesurfer.js": "/static/npm/wavesurfer.js/dist/wavesurfer.esm.js"}}}}
</script>
<script type="module" src="/static/studies/js/components/players.js"></script>
"""
ONE = '<div class="waveform" data-waveform data-src="{src}" data-label="{label}"{more}></div>'
TRACK = (
    '<figure class="multitrack__track" data-track="{kind}" data-url="/{kind}.flac" data-label="{kind}">'
    '<figcaption>{kind}</figcaption><audio controls src="/{kind}.flac"></audio></figure>'
)


@pytest.fixture(scope="module")
def browser(launch: Launch) -> Browser:
    return launch()


@pytest.fixture
def players(server: PageServer, tmp_path: Path) -> Iterator[Players]:
    """players(body) -> address of a page with recordings at /a.flac, /b.flac and the three tracks."""
    server.reset()
    for number, name in enumerate(("a", "b", "participant", "heard", "agent")):
        path = tmp_path / f"{name}.flac"
        soundfile.write(path, voiced(2 + 0.5 * number), SAMPLE_RATE_HZ)
        server.files[f"/{name}.flac"] = path

    def serve(body: str) -> str:
        server.pages["/players/"] = f'{HEAD}<main class="page page--narrow stack">{body}</main>'
        return f"{server.url}/players/"

    yield serve
    server.files.clear()
    server.answers.clear()


def play(page: Page, label: str) -> None:
    page.get_by_role("button", name=f"Play: {label}").click()


def test_playing_to_the_end_is_heard(browser: Browser, new_page: NewPage, players: Players) -> None:
    page = new_page(browser)
    page.goto(players(ONE.format(src="/a.flac", label="A", more="")))
    page.evaluate("window.said = []; for (const name of ['heard', 'listened'])"
                  " addEventListener(name, (event) => said.push([name, event.detail.seconds]));")  # fmt: skip
    expect(page.get_by_text("0:00 / 0:02")).to_be_visible()
    play(page, "A")
    page.locator("[data-waveform][data-heard]").wait_for(timeout=10_000)
    expect(page.get_by_role("button", name="Play: A")).to_be_visible(timeout=5_000)
    said = page.evaluate("said")
    assert [name for name, _ in said].count("heard") == 1
    assert said[-1][0] == "listened"
    assert said[-1][1] == pytest.approx(2.0, abs=0.25)


def test_skipping_to_the_end_is_not_heard(browser: Browser, new_page: NewPage, players: Players) -> None:
    page = new_page(browser)
    page.goto(players(ONE.format(src="/b.flac", label="B", more="")))
    page.locator("[data-waveform][data-ready]").wait_for()
    slider = page.get_by_role("slider", name="Position in: B")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(page.get_by_text("0:02 / 0:02")).to_be_visible()
    expect(page.get_by_role("button", name="Play: B")).to_be_visible(timeout=5_000)
    assert page.locator("[data-heard]").count() == 0


def test_playing_one_pauses_the_other(browser: Browser, new_page: NewPage, players: Players) -> None:
    page = new_page(browser)
    body = "".join(ONE.format(src=f"/{name}.flac", label=name.upper(), more="") for name in "ab")
    page.goto(players(body))
    page.locator("[data-waveform][data-ready]").nth(1).wait_for()
    play(page, "A")
    expect(page.get_by_role("button", name="Pause: A")).to_be_visible()
    play(page, "B")
    expect(page.get_by_role("button", name="Pause: B")).to_be_visible()
    expect(page.get_by_role("button", name="Play: A")).to_be_visible()


def test_recording_that_is_not_filed_yet_is_waited_for(
    browser: Browser, new_page: NewPage, server: PageServer, players: Players
) -> None:
    states = iter([{"state": "live", "filed": False}, {"state": "ended", "filed": False}])
    server.answers["/status/"] = lambda: (200, next(states, {"state": "final", "filed": True}))
    page = new_page(browser)
    page.goto(players(ONE.format(src="/a.flac", label="A", more=' data-status-url="/status/"')))
    expect(page.get_by_text("The recording is being prepared …")).to_be_visible()
    expect(page.get_by_role("button", name="Play: A")).to_be_enabled(timeout=10_000)


def silent(seconds: float) -> Float32:
    return np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)


def answering_late(server: PageServer, folder: Path) -> None:
    """/late.flac: 20 s of silence, half a second of sound, 10 s of silence, a second of sound, 5 s of silence."""
    parts = [silent(20), voiced(0.5), silent(10), voiced(1), silent(5)]
    soundfile.write(folder / "late.flac", np.concatenate(parts), SAMPLE_RATE_HZ)
    server.files["/late.flac"] = folder / "late.flac"
    server.answers["/status/"] = {"state": "final", "filed": True, "audible": {"agent": [[20, 0.5], [30.5, 1]]}}


LATE = ' data-status-url="/status/" data-kind="agent"'
SAID = "window.said = []; addEventListener('heard', (event) => said.push(event.detail.seconds));"


def test_playback_begins_at_the_first_sound_and_leaves_out_long_silences(
    browser: Browser, new_page: NewPage, server: PageServer, players: Players, tmp_path: Path
) -> None:
    answering_late(server, tmp_path)
    page = new_page(browser)
    page.goto(players(ONE.format(src="/late.flac", label="L", more=LATE)))
    page.evaluate(SAID)
    expect(page.get_by_text("0:00 / 0:02")).to_be_visible()  # 0.2 + 0.5 + 0.3 and 0.2 + 1 + 0.3 s
    slider = page.get_by_role("slider", name="Position in: L")
    expect(slider).to_have_attribute("aria-valuemax", "2.5")
    play(page, "L")
    page.locator("[data-waveform][data-heard]").wait_for(timeout=10_000)
    assert page.evaluate("said") == [pytest.approx(1.5, abs=0.25)]


def test_whole_recording_is_one_click_away_and_begins_where_one_was(
    browser: Browser, new_page: NewPage, server: PageServer, players: Players, tmp_path: Path
) -> None:
    answering_late(server, tmp_path)
    page = new_page(browser)
    page.goto(players(ONE.format(src="/late.flac", label="L", more=LATE)))
    page.locator("[data-waveform][data-ready]").wait_for()
    slider = page.get_by_role("slider", name="Position in: L")
    slider.focus()
    page.keyboard.press("ArrowRight")  # 2 s on, which is in the second sound
    expect(page.get_by_text("0:02 / 0:02")).to_be_visible()
    page.get_by_role("button", name="Play it with its pauses").click()
    expect(page.get_by_text("0:31 / 0:36")).to_be_visible()
    page.get_by_role("button", name="Play it without its pauses").click()
    expect(page.get_by_text("0:02 / 0:02")).to_be_visible()


def test_silence_that_was_played_is_not_heard(
    browser: Browser, new_page: NewPage, server: PageServer, players: Players, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "quiet.flac", np.concatenate([silent(0.9), voiced(0.4)]), SAMPLE_RATE_HZ)
    server.files["/quiet.flac"] = tmp_path / "quiet.flac"
    server.answers["/status/"] = {"state": "final", "filed": True, "audible": {"agent": [[0.9, 0.4]]}}
    page = new_page(browser)
    page.goto(players(ONE.format(src="/quiet.flac", label="Q", more=LATE)))
    page.evaluate(SAID)
    page.locator("[data-waveform][data-ready]").wait_for()
    play(page, "Q")
    page.locator("[data-waveform][data-heard]").wait_for(timeout=10_000)
    assert page.evaluate("said") == [pytest.approx(0.4, abs=0.11)]


def test_recording_with_nothing_to_hear_says_so_and_counts_as_heard(
    browser: Browser, new_page: NewPage, server: PageServer, players: Players, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "silent.flac", silent(3), SAMPLE_RATE_HZ)
    server.files["/silent.flac"] = tmp_path / "silent.flac"
    server.answers["/status/"] = {"state": "final", "filed": True, "audible": {"agent": []}}
    page = new_page(browser)
    page.goto(players(ONE.format(src="/silent.flac", label="S", more=LATE)))
    expect(page.get_by_text("There is nothing to hear in this recording.")).to_be_visible(timeout=10_000)
    expect(page.locator("[data-waveform][data-heard]")).to_have_count(1)


@pytest.mark.parametrize(
    ("src", "more", "text"),
    [
        ("/none.flac", "", "This recording could not be loaded."),
        ("/broken.flac", "", "This recording cannot be played in this browser."),
        ("/a.flac", ' data-status-url="/failed/"', "This recording could not be prepared."),
    ],
)
def test_recording_that_cannot_be_had_says_so_and_can_be_tried_again(
    browser: Browser,
    new_page: NewPage,
    server: PageServer,
    players: Players,
    tmp_path: Path,
    src: str,
    more: str,
    text: str,
) -> None:
    url = players(ONE.format(src=src, label="A", more=more))
    server.answers["/failed/"] = {"state": "failed", "filed": False}
    server.files["/broken.flac"] = tmp_path / "broken.flac"
    server.files["/broken.flac"].write_bytes(b"not audio")
    page = new_page(browser)
    page.goto(url)
    expect(page.get_by_text(text)).to_be_visible(timeout=10_000)
    server.files["/none.flac"] = server.files["/broken.flac"] = server.files["/a.flac"]
    server.answers["/failed/"] = {"state": "final", "filed": True}
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Play: A")).to_be_enabled(timeout=10_000)


def test_tracks_play_together_and_alone(
    browser: Browser, new_page: NewPage, players: Players, screenshots: Screenshots
) -> None:
    page = new_page(browser)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if request.resource_type == "fetch" else None)
    tracks = "".join(TRACK.format(kind=kind) for kind in ("participant", "heard", "agent"))
    one = ONE.format(src="/a.flac", label="A", more="")
    page.goto(
        players(
            f'<section class="card">{one}</section><section class="card multitrack" data-multitrack>{tracks}</section>'
        )
    )
    expect(page.get_by_text("The tracks are loaded when you play them")).to_be_visible()
    expect(page.get_by_role("button", name="Play: A", exact=True)).to_be_enabled()
    assert [url.rpartition("/")[2] for url in fetched] == ["a.flac"]
    play(page, "all tracks")
    page.locator("[data-multitrack][data-ready]").wait_for(timeout=15_000)
    expect(page.get_by_text("0:04 / 0:04")).to_be_visible(timeout=20_000)
    assert page.locator("audio:visible").count() == 0
    page.get_by_role("button", name="Solo: agent").click()
    expect(page.get_by_role("button", name="Solo: agent")).to_have_attribute("aria-pressed", "true")
    play(page, "all tracks")
    page.wait_for_timeout(1_500)
    screenshots(page, "players")
    expect(page.get_by_role("button", name="Play: all tracks")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("0:04 / 0:04")).to_be_visible()
    page.get_by_role("group", name="participant").focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("0:00 / 0:04")).to_be_visible()
