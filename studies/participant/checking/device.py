"""Reads what the browser measured of a participant's device, compares it with the study's thresholds, and stores it.

`Session.device` holds the latest report, what failed in it, all attempts, and the headphone screening (see
`headphones`). The numbers come from the browser. They inform about participants who cooperate, and prove nothing about
those who do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from django.db import transaction
from django.utils import timezone
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from studies.errors import BadReport
from studies.models import Session
from studies.protocol.schema import Protocol
from studies.protocol.visit import DeviceCheck

MAX_REPORT_CHARACTERS: Final = 20_000
MAX_KEPT_ATTEMPTS: Final = 50  # This keeps a page that measures repeatedly from filling the database.

Measured = Literal["noise_dbfs", "snr_db", "clipped_percent", "round_trip_ms"]
MEASURED: Final[tuple[Measured, ...]] = ("noise_dbfs", "snr_db", "clipped_percent", "round_trip_ms")
NOT_REPORTED: Final = "not_reported"

Words = Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\x00]*$")]  # PostgreSQL's JSON takes no NUL
Short = Annotated[str, StringConstraints(max_length=40, pattern=r"^[^\x00]*$")]
Decibels = Annotated[float, Field(ge=-200, le=200)]
Milliseconds = Annotated[float, Field(ge=0, le=600_000)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Scalar = bool | float | Short | None


class Part(BaseModel):
    """A frozen part of a report. Wrong types and infinite numbers are refused, and unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


class MicrophoneLevel(Part):
    """The level of the sentence that was read aloud: `speech_db` is the level of speech in dBFS, `clipped_samples` the
    number of samples at full scale, and `verdict` the page's judgement."""

    speech_db: Decibels | None = None
    clipped_samples: Count = 0
    verdict: Literal["ok", "quiet", "silent", "clipping"]


class Sound(Part):
    """The test tones: whether the participant heard them, and how much of them the microphone picked up.

    `leak_db` is how much louder the microphone's signal was while they played."""

    heard: bool | None = None
    leak_db: Decibels | None = None
    leaking: bool | None = None
    output: Literal["headphones", "loudspeakers"] | None = None


class Delay(Part):
    """The delay from the page to the inference worker and back.

    `conversion_ms` is the delay of voice conversion, `round_trip_ms` the median of `probes` measurements, and
    `heard_self` how often the participants listened to themselves in a voice of the study."""

    conversion_ms: Milliseconds | None = None
    round_trip_ms: Milliseconds | None = None
    probes: Count = 0
    heard_self: Count | None = None


def _anonymous(value: object) -> object:
    """Removes ids and labels that identify a device and thus perhaps a person."""
    if not isinstance(value, dict):
        return value
    return {key: each for key, each in value.items() if key not in ("deviceId", "groupId", "label")}


Settings = Annotated[dict[Short, Scalar], Field(max_length=40), BeforeValidator(_anonymous)]


class Capture(Part):
    """How the page records: the settings that the study requested, and the way in which audio was captured."""

    requested: Settings = {}
    narrow: bool | None = None
    capture_method: Short | None = None
    capture_context_hz: float | None = None
    capture_base_latency_sec: float | None = None
    user_agent: Words = ""


class Report(Part):
    """One run of the check. A report that is sent again has the same `run`.

    `noise_dbfs` is the median level of a few silent seconds, `snr_db` how far the level of the sentence is above it,
    `clipped_percent` the share of the sentence's samples at full scale, and `round_trip_ms` the median round trip to
    the server. `input` holds the settings that the browser applied (`getSettings`) and the `kind` of microphone.
    `unmeasured` says why a value is null."""

    run: Short | None = None
    noise_dbfs: Decibels | None = None
    snr_db: Decibels | None = None
    clipped_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    round_trip_ms: Milliseconds | None = None
    unmeasured: dict[Measured, Short] = {}
    microphone: MicrophoneLevel | None = None
    sound: Sound = Sound()
    input: Settings = {}
    settings: Capture | None = None
    check_context_hz: float | None = None
    delay: Delay | None = None

    def kept(self) -> dict[str, Any]:
        """Returns the report as JSON, with a reason for every null value."""
        silent = {name: self.unmeasured.get(name, NOT_REPORTED) for name in MEASURED if getattr(self, name) is None}
        return {**self.model_dump(), "unmeasured": silent}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check. `failed` names what does not meet the study's requirements.

    If `blocked` is true, the session cannot continue with this result. `may_leave` says that the participant has made
    enough attempts to end the session."""

    failed: tuple[str, ...]
    blocked: bool
    may_leave: bool


def read_report(text: str) -> Report:
    """Reads a report. Raises BadReport, whose text says what was wrong with it."""
    if len(text) > MAX_REPORT_CHARACTERS:
        raise BadReport(f"it has {len(text)} characters, and {MAX_REPORT_CHARACTERS} are the most")
    try:
        return Report.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadReport(f"{place}: {first['msg']}" if place else first["msg"]) from None


def judge(report: Report, limits: DeviceCheck) -> tuple[str, ...]:
    """Returns what fails, in the order of the check.

    A value with a threshold also fails if it could not be measured. A silent microphone fails without a threshold."""
    bounds: dict[Measured, tuple[float | None, int]] = {
        "noise_dbfs": (limits.max_noise_dbfs, 1),
        "snr_db": (limits.min_snr_db, -1),
        "clipped_percent": (limits.max_clipped_percent, 1),
        "round_trip_ms": (limits.max_round_trip_ms, 1),
    }
    silent = report.microphone is None or report.microphone.verdict == "silent"
    failed: list[str] = ["microphone"] if silent else []
    for name, (limit, sign) in bounds.items():
        value = getattr(report, name)
        if limit is not None and (value is None or sign * value > sign * limit):
            failed.append(name)
    return tuple(failed)


@transaction.atomic
def keep_attempt(session: Session, report: Report, limits: DeviceCheck) -> Verdict:
    """Adds one run of the check to the session; the same run sent twice counts once."""
    locked = Session.objects.select_for_update().get(pk=session.pk)
    verdict = _add(locked, report, limits)
    if locked.state == Session.State.STARTED:  # Nothing is stored for a participant who has withdrawn meanwhile.
        locked.save(update_fields=["device", "seen_at"])
    session.device = locked.device
    return verdict


@transaction.atomic
def complete(session: Session, report: Report, limits: DeviceCheck) -> Verdict:
    """Stores `report` as the session's report. Unless it is blocked, the check is done."""
    locked = Session.objects.select_for_update().get(pk=session.pk)
    verdict = _add(locked, report, limits)
    locked.device = {**locked.device, **report.kept(), "failed": list(verdict.failed)}
    if not verdict.blocked:
        locked.checked_at = timezone.now()
    if locked.state == Session.State.STARTED:
        locked.save(update_fields=["device", "checked_at", "seen_at"])
        session.checked_at = locked.checked_at
    session.device = locked.device
    return verdict


@transaction.atomic
def leave(session: Session, limits: DeviceCheck) -> bool:
    """Ends a check that has failed often enough. Returns False if it has not."""
    locked = Session.objects.select_for_update().get(pk=session.pk)
    if not may_leave(locked, limits) or locked.state != Session.State.STARTED:
        return False
    locked.device = {**locked.device, "left": True}
    locked.save(update_fields=["device", "seen_at"])
    session.device = locked.device
    return True


def may_leave(session: Session, limits: DeviceCheck) -> bool:
    """Returns whether enough attempts have failed for the participant to leave."""
    blocked = [attempt for attempt in session.device.get("attempts", []) if _blocks(attempt["failed"], limits)]
    return session.checked_at is None and len(blocked) >= limits.attempts


def check_done(session: Session) -> bool:
    return session.checked_at is not None


def headphones_done(session: Session, protocol: Protocol) -> bool:
    """Returns whether the headphone screening is done, or the study has none."""
    return protocol.device_check.headphones is None or _screening(session).get("done") is True


def device_screened_out(session: Session, protocol: Protocol) -> bool:
    """Returns whether the session ends here, after failed checks or without the headphones that the study requires."""
    headphones = protocol.device_check.headphones
    if headphones is not None and headphones.required:
        screening = _screening(session)
        if screening.get("done") is True and not screening.get("passed"):
            return True
    return session.device.get("left") is True


def _screening(session: Session) -> dict[str, Any]:
    screening = session.device.get("headphones")
    return screening if isinstance(screening, dict) else {}


def _add(session: Session, report: Report, limits: DeviceCheck) -> Verdict:
    failed = judge(report, limits)
    attempts = list(session.device.get("attempts", []))
    measured: dict[str, Any] = {name: getattr(report, name) for name in MEASURED}
    numbers = {"run": report.run, **measured, "failed": list(failed)}
    if not attempts or {**attempts[-1], **numbers} != attempts[-1]:  # Only `run` tells two silent attempts apart.
        attempts.append({"at": timezone.now().isoformat(timespec="seconds"), **numbers})
    session.device = {**session.device, "attempts": attempts[-MAX_KEPT_ATTEMPTS:]}
    return Verdict(failed, _blocks(failed, limits), may_leave(session, limits))


def _blocks(failed: tuple[str, ...] | list[str], limits: DeviceCheck) -> bool:
    """Returns whether a failure blocks the session; a missing microphone does so whatever the study's thresholds."""
    return bool(failed) if limits.on_fail == "block" else "microphone" in failed
