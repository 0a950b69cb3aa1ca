"""What chat clients ask for in their addresses."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from inference.contract.errors import OptionError, UnknownName
from inference.contract.presets import PRESETS
from inference.contract.tokens import VoiceSegment
from inference.worker.doors.chat.query import MAX_SEED, read_query

ENGINES = ("moshi", "echo", "cascade", "cascade_voice")


def test_nothing_asked_is_the_first_engine_and_ones_own_voice() -> None:
    chat = read_query("", ENGINES)
    assert (chat.slot.engine, dict(chat.slot.options), chat.max_steps, chat.unused) == ("moshi", {}, None, ())
    assert chat.slot.voices == (VoiceSegment("none", seed=chat.slot.seed),)
    assert chat.slot.take != read_query("", ENGINES).slot.take


def test_address_of_the_rust_client_becomes_the_options_of_moshi() -> None:
    query = (
        "text_temperature=0.7&text_topk=25&audio_temperature=0&audio_topk=250&max_steps=4500&text_seed=7&audio_seed=7"
    )
    chat = read_query(query, ENGINES)
    assert dict(chat.slot.options) == {"text_temperature": 0.7, "text_top_k": 25, "temperature": 0.0, "top_k": 250}
    assert (chat.slot.seed, chat.max_steps, chat.unused) == (7, 4_500, ())


def test_address_of_the_stock_web_client_is_understood() -> None:
    query = (
        "worker_auth_id=x&email=someone%40example.org&text_temperature=0.7&text_topk=25&audio_temperature=0.8"
        "&audio_topk=250&pad_mult=0&text_seed=471&audio_seed=98&repetition_penalty_context=64&repetition_penalty=1"
    )
    chat = read_query(query, ENGINES)
    assert dict(chat.slot.options) == {"text_temperature": 0.7, "text_top_k": 25, "temperature": 0.8, "top_k": 250}
    assert "example" not in repr(chat)


def test_address_of_personaplex_is_a_persona() -> None:
    query = urlencode({"text_prompt": "You are wise & kind.", "voice_prompt": "NATF0.pt", "seed": 42})
    slot = read_query(query, ENGINES).slot
    assert (slot.text_prompt, slot.voice_prompt, slot.seed) == ("You are wise & kind.", "NATF0.pt", 42)


def test_sampling_that_an_engine_lacks_is_told_as_unused() -> None:
    chat = read_query("engine=echo&text_temperature=0.7&audio_topk=250&pad_mult=0", ENGINES)
    assert (dict(chat.slot.options), chat.unused) == ({}, ("text_temperature", "audio_topk"))


def test_variant_takes_the_sampling_of_its_engine() -> None:
    chat = read_query("engine=cascade_voice&text_temperature=0.7", ENGINES)
    assert (chat.slot.engine, dict(chat.slot.options)) == ("cascade_voice", {"temperature": 0.7})


def test_voice_is_a_preset() -> None:
    segment = read_query("voice=higher&seed=3", ENGINES).slot.voices[0]
    assert (segment.converter, segment.parameters, segment.seed) == ("transform", PRESETS["higher"].parameters, 3)


def test_two_seeds_make_one_always_the_same() -> None:
    first, again, other = (
        read_query(query, ENGINES).slot.seed
        for query in ("text_seed=1&audio_seed=2",) * 2 + ("text_seed=2&audio_seed=1",)
    )
    assert first == again != other
    assert 0 <= first <= MAX_SEED


@pytest.mark.parametrize("query", ["", "seed=-1", "seed="])
def test_seed_is_drawn_when_there_is_none(query: str) -> None:
    assert len({read_query(query, ENGINES).slot.seed for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("text_temperature=warm", "text_temperature"),
        ("text_temperature=nan", "text_temperature"),
        ("audio_topk=2.5", "audio_topk"),
        ("audio_topk=-3", "audio_topk"),
        ("audio_topk=%D9%A3", "audio_topk"),
        ("seed=1e3", "seed"),
        ("seed=-2", "seed"),
        ("text_seed=99999999999999999999", "text_seed"),
        ("max_steps=0", "max_steps"),
        ("pad_mult=2", "pad_mult"),
        ("repetition_penalty=1.3", "repetition_penalty"),
        ("engine=echo&engine=moshi", "engine"),
        ("temperature=0.7", "temperature"),
    ],
)
def test_value_that_is_not_one_is_refused_by_name(query: str, name: str) -> None:
    with pytest.raises(OptionError) as refusal:
        read_query(query, ENGINES)
    assert refusal.value.name == name


@pytest.mark.parametrize(
    ("engine", "snapshot"),
    [("openai_realtime", {}), ("moshi_server", {"third_party": True}), ("moshi_server", {})],
)
def test_voice_goes_to_a_third_party_only_where_that_is_asked_for(engine: str, snapshot: dict[str, bool]) -> None:
    with pytest.raises(OptionError, match="sends your voice to a third party"):
        read_query("", (engine,), {engine: snapshot})
    assert read_query(f"engine={engine}", (engine,), {engine: snapshot}).slot.engine == engine


def test_server_of_ones_own_need_not_be_named() -> None:
    assert read_query("", ("moshi_server",), {"moshi_server": {"third_party": False}}).slot.engine == "moshi_server"


@pytest.mark.parametrize("query", ["engine=parrot", "voice=angelic"])
def test_unknown_names_are_refused(query: str) -> None:
    with pytest.raises(UnknownName):
        read_query(query, ENGINES)
