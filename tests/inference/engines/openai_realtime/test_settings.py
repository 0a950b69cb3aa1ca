from __future__ import annotations

import pytest

from inference.contract.errors import EngineUnavailable
from inference.engines.openai_realtime.dialects import BETA, GA, UNMUTE, Dialect
from inference.engines.openai_realtime.settings import read_server

KEY = {"OPENAI_REALTIME_KEY": "sk-test"}
BEARER = {"Authorization": "Bearer sk-test"}
AZURE = {"api-key": "sk-test"}
PREVIEW = BEARER | {"OpenAI-Beta": "realtime=v1"}


@pytest.mark.parametrize(
    ("settings", "address", "dialect", "headers"),
    [
        ({}, "wss://api.openai.com/v1/realtime?model=gpt-realtime", GA, BEARER),
        ({"URL": "wss://eu.api.openai.com"}, "wss://eu.api.openai.com/v1/realtime?model=gpt-realtime", GA, BEARER),
        ({"MODEL": "a b"}, "wss://api.openai.com/v1/realtime?model=a", GA, BEARER),
        ({"DIALECT": "beta"}, "wss://api.openai.com/v1/realtime", BETA, PREVIEW),
        (
            {"URL": "wss://me.openai.azure.com", "MODEL": "mine"},
            "wss://me.openai.azure.com/openai/v1/realtime?model=mine",
            GA,
            AZURE,
        ),
        (
            {"URL": "wss://me.openai.azure.com/openai/realtime?api-version=2024-10-01-preview&deployment=mine"},
            "wss://me.openai.azure.com/openai/realtime?api-version=2024-10-01-preview&deployment=mine",
            BETA,
            AZURE,
        ),
        (
            {"URL": "wss://me.openai.azure.com/openai/realtime", "MODEL": "mine"},
            "wss://me.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=mine",
            BETA,
            AZURE,
        ),
        (
            {"URL": "wss://unmute.sh/api/v1/realtime", "DIALECT": "unmute"},
            "wss://unmute.sh/api/v1/realtime",
            UNMUTE,
            BEARER,
        ),
        ({"URL": "ws://127.0.0.1:8000?model=own"}, "ws://127.0.0.1:8000/v1/realtime?model=own", None, BEARER),
    ],
)
def test_read(settings: dict[str, str], address: str, dialect: Dialect | None, headers: dict[str, str]) -> None:
    read = read_server({f"OPENAI_REALTIME_{name}": value for name, value in settings.items()} | KEY)
    assert (read.address(read.models[0] if read.models else ""), read.dialect, read.headers) == (
        address,
        dialect,
        headers,
    )


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "OPENAI_REALTIME_KEY is not set"),
        ({"URL": "wss://me.openai.azure.com", "MODEL": "mine"}, "OPENAI_REALTIME_KEY is not set"),
        ({"URL": "wss://talk.example"}, "OPENAI_REALTIME_KEY is not set"),
        ({"URL": "wss://me.openai.azure.com", "KEY": "k"}, "OPENAI_REALTIME_MODEL is not set"),
        (
            {"URL": "ws://talk.example", "KEY": "k"},
            "OPENAI_REALTIME_KEY is not valid",
        ),
        ({"URL": "https://talk.example", "KEY": "k"}, "OPENAI_REALTIME_URL is not valid"),
        ({"DIALECT": "gamma", "KEY": "k"}, "OPENAI_REALTIME_DIALECT is 'gamma'"),
        ({"KEY": "sk-a\nX-Header: b"}, "OPENAI_REALTIME_KEY is not valid"),
    ],
)
def test_read_wrong(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        read_server({f"OPENAI_REALTIME_{name}": value for name, value in settings.items()})
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"URL": "ws://talk.example", "KEY": "k"}, "would send it and the voices in the clear"),
        ({"URL": "https://talk.example", "KEY": "k"}, "it should read ws://host:port/path or wss://host/path"),
        ({"DIALECT": "gamma", "KEY": "k"}, "Set OPENAI_REALTIME_DIALECT to one of auto, openai, azure, beta, unmute."),
        ({"KEY": "sk-a\nX-Header: b"}, "the key alone: it has signs in it that no key has"),
    ],
)
def test_wrong_says_what_to_do(settings: dict[str, str], remedy: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        read_server({f"OPENAI_REALTIME_{name}": value for name, value in settings.items()})
    assert remedy in caught.value.remedy
    assert "sk-a" not in str(caught.value)


def test_no_key_for_a_server_of_ones_own() -> None:
    assert read_server({"OPENAI_REALTIME_URL": "ws://127.0.0.1:8000"}).headers == {}


def test_key_is_not_in_the_representation() -> None:
    assert "sk-test" not in repr(read_server(KEY))


@pytest.mark.parametrize(("setting", "model"), [("", "gpt-4o-mini-transcribe"), ("none", ""), ("own-asr", "own-asr")])
def test_transcription(setting: str, model: str) -> None:
    assert read_server(KEY | {"OPENAI_REALTIME_TRANSCRIPTION": setting}).transcription == model
