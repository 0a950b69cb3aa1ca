"""The errors of the speech side. Each carries the data that a caller needs to tell a person what to do.

InferenceError
├── WireError              a message that does not follow the wire protocol
├── TokenError             a slot token that is malformed, expired, replayed or signed by another secret
├── WrongSettings          environment variables that are wrong (settings.py)
├── UnknownName            an engine or converter that is not in the catalogue
├── OptionError            an engine option or converter parameter that is unknown or out of range
├── EngineUnavailable      an engine whose weights or packages are missing on this machine
│   └── NoSuchFile         a repository of the hub that lacks a file (engines/moshi/source.py)
├── WeightsError           weights that are missing, damaged or cannot be fetched (weights/fetching.py)
├── FolderProblem          a folder that cannot take a tiny checkpoint (engines/moshi/tiny.py)
├── SoundRefused           a sound file that is not read (contract/sound_files/refusals.py)
├── TargetUnavailable      a target voice that a converter needs and that is not available
├── NoWorker               no worker serves what a take needs
├── NoRow                  all rows of a converter server are taken (converter_server/rows.py)
├── RowBroken              one row of a batch cannot continue (engines/moshi/engine.py)
├── LanguageError          llama.cpp refused a request (engines/cascade/language.py)
├── Withdrawn              a request that is no longer needed (engines/cascade/sharing.py)
├── RemoteLost             a server that an engine talks to refused, broke the protocol or went away
├── Broken                 an event of a server that breaks the protocol (engines/openai_realtime/fields.py)
├── Unsupported            a server's requirement that an engine cannot meet (engines/openai_realtime/dialects.py)
├── TooMuchSound           a server that sends sound far ahead of real time (engines/remote/playout.py)
├── TalkProblem            a talk in the terminal that cannot begin or continue (terminal/link.py)
├── SlotNotMovable         a conversation's state that cannot be exported or imported here
└── SlotLost               the worker went away, or ended the slot, in mid-take
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class InferenceError(Exception):
    """The base class of all errors of this package; `code` is stable and is sent over the wire."""

    code = "inference_error"


class WireError(InferenceError):
    """A message broke the protocol; `found` says what arrived, never its content."""

    code = "malformed_message"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, got {found}")
        self.expected = expected
        self.found = found


class TokenError(InferenceError):
    """A slot token was refused; `reason` is one of expired, replayed, invalid."""

    code = "bad_token"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token is {reason}; ask for a new one")
        self.reason = reason


class UnknownName(InferenceError):
    """`name` is not among `known` in the catalogue of `what` (engine or converter)."""

    code = "unknown_name"

    def __init__(self, what: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no {what} called {name!r}; known: {', '.join(sorted(known))}")
        self.what = what
        self.name = name
        self.known = tuple(known)


class OptionError(InferenceError):
    """Option `name` has a `value` that is not `expected`. If the name is unknown, `known` lists the valid ones."""

    code = "bad_option"

    def __init__(self, name: str, value: object, expected: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"{name} is {value!r}; expected {expected}")
        self.name = name
        self.value = value
        self.expected = expected
        self.known = tuple(known)


class EngineUnavailable(InferenceError):
    """Engine or converter `name` cannot run here; `remedy` says what the operator can do."""

    code = "engine_unavailable"

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(f"{name} cannot run here: {reason}. {remedy}")
        self.name = name
        self.reason = reason
        self.remedy = remedy


class TargetUnavailable(InferenceError):
    """A take's target voice is not available. `reason` says why and reveals nothing about the voice or its speaker."""

    code = "target_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the target voice cannot be used: {reason}")
        self.reason = reason


class NoWorker(InferenceError):
    """No inference worker that serves `engine` with `converters` has reported recently."""

    code = "no_worker"

    def __init__(self, engine: str, converters: Sequence[str] = ()) -> None:
        super().__init__(f"no inference worker serves {engine} right now")
        self.engine = engine
        self.converters = tuple(converters)


class SlotLost(InferenceError):
    """The worker ended the slot or its socket closed; `reason` is for the event log."""

    code = "slot_lost"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the conversation partner stopped: {reason}")
        self.reason = reason


class RemoteLost(InferenceError):
    """The server at `address` (shown without credentials) cannot be reached or has been lost.

    `reason` is in plain words, and `status` is the HTTP status of a refusal."""

    code = "remote_lost"

    def __init__(self, address: str, reason: str, *, status: int | None = None) -> None:
        super().__init__(f"the server at {address} cannot be talked with: {reason}")
        self.address = address
        self.reason = reason
        self.status = status


class SlotNotMovable(InferenceError):
    """A live conversation cannot move; `reason` says what does not fit."""

    code = "slot_not_movable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the conversation cannot move: {reason}")
        self.reason = reason
