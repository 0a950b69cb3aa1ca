"""Everything around the conversations: consent, screening, device check, recruitment, retention."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from studies.questions.conditions import When
from studies.questions.fields import ORIGIN_PATTERN, Line, Markdown, Strict


class Purpose(Strict):
    """One thing a participant agrees to on its own. Someone who refuses a required one cannot take part."""

    key: Literal["participate", "record", "convert", "voice_donation", "third_party", "share", "quote", "recontact"]
    """What is agreed to."""
    label: Line
    """The words beside the box."""
    required: bool = True
    """Whoever refuses cannot take part."""


class Consent(Strict):
    """The document that is shown, hashed and agreed to."""

    summary: Markdown | None = None
    """The document in a few sentences, as Markdown: what an explore study shows first, with the text folded below."""
    text: Markdown
    """The document, as Markdown."""
    purposes: Annotated[list[Purpose], Field(min_length=1)]
    """What is agreed to, one record each."""


class ScreenOut(Strict):
    """Answers to eligibility items with which nobody can take part, and what such a person is told."""

    when: When
    """Answers to eligibility items with which nobody can take part."""
    message: Markdown | None = None
    """What such a person is told, as Markdown."""


class AttentionChecks(Strict):
    """What happens to somebody who gives wrong answers to items with an `expect`."""

    max_failed: Annotated[int, Field(ge=0)] = 0
    """So many may be wrong."""
    then: Literal["flag", "screen_out"] = "flag"
    """What happens beyond that: a flag in the data, or the end of the session."""


class Audio(Strict):
    """How the browser captures and sends. What it really did is recorded."""

    echo_cancellation: bool = False
    """Asked of the browser."""
    noise_suppression: bool = False
    """Asked of the browser."""
    auto_gain_control: bool = False
    """Asked of the browser."""
    uplink: Literal["pcm16"] = "pcm16"
    """How sound is sent."""


class Headphones(Strict):
    """Screening for headphones: Huggins pitch (Milne et al. 2021) or tones in antiphase (Woods et al. 2017)."""

    method: Literal["huggins", "antiphase"] = "huggins"
    """Which test."""
    trials: Annotated[int, Field(ge=2, le=24)] = 6
    """How many sounds are judged."""
    pass_at: Annotated[int, Field(ge=1, le=24)] = 5
    """So many must be right."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    """How often it may be tried."""
    required: bool = False
    """Whoever fails every attempt cannot take part; otherwise they go on, and the data say so."""


class DeviceCheck(Strict):
    """What the device check asks for and judges. A limit that is left out is measured, not judged."""

    headphones: Headphones | None = None
    """Screening for headphones."""
    sentence: Line | None = None
    """Read aloud by the participant."""
    min_snr_db: Annotated[float, Field(ge=0, le=60)] | None = None
    """Speech over background noise, at least."""
    max_noise_dbfs: Annotated[float, Field(ge=-100, le=0)] | None = None
    """Background noise, at most."""
    max_clipped_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Samples at the limit of the converter, at most."""
    max_round_trip_ms: Annotated[float, Field(ge=1, le=10_000)] | None = None
    """To the server and back, at most."""
    on_fail: Literal["warn", "block"] = "warn"
    """`warn` lets people go on, and the data say so; `block` lets them try again, then offers to leave."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often it may be tried, where it blocks."""


class Codes(Strict):
    """What a recruitment service expects for each way in which a session can end."""

    completed: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = None
    """The code for a completed session; if left out, one is drawn for each participant."""
    screened_out: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = None
    """Of somebody who cannot take part."""
    no_consent: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = None
    """Of somebody who does not agree."""
    quota_full: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = None
    """Of somebody who comes too late."""


Origin = Annotated[str, StringConstraints(pattern=ORIGIN_PATTERN, max_length=200)]


class Recruiter(Strict):
    """Where participants come from, and how they get back."""

    service: Literal["none", "generic", "prolific", "sona", "mturk"] = "none"
    """Which one."""
    parameter: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")] = "id"
    """The URL parameter that names the person (generic only; the services have their own)."""
    codes: Codes = Codes()
    """What it expects for each way in which a session can end."""
    return_url: Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=500)] | None = None
    """Where people go afterwards; `{code}` and `{person}` are filled in (generic and SONA)."""
    frame_origins: Annotated[list[Origin], Field(max_length=10)] = []
    """Sites that may show the way in within a frame of their pages, such as `https://worker.mturk.com`."""


class Retention(Strict):
    """How long recordings are kept, and what a withdrawal does to what is there."""

    days: Annotated[int, Field(ge=1, le=36_500)] = 365
    """How long recordings are kept after a study opens."""
    on_withdrawal: Literal["erase", "keep"] = "erase"
    """Whether what is there is erased or kept."""


class GiveBack(Strict):
    """What participants of a planned study get back on the last page, about each of their talks that count."""

    conditions: bool = True
    """Which answer was which: the name of the condition."""
    transcripts: bool = True
    """The words of the talk."""
    pictures: bool = False
    """Pictures of who spoke when, and of what was measured of both voices."""


HearYourself = Literal["off", "preview", "live"]
