from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from studies.management.commands.load_demo import load
from studies.models import Condition, ProtocolVersion, Study, Track
from studies.protocol.reading import yaml_text
from tests.studies.participant.visitor import Visitor
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 1)


def test_demos_are_published_and_open_for_thirty_days(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_demo")
    until = timezone.localdate() + timedelta(days=30)
    rows = Study.objects.order_by("slug").values_list("slug", "state", "is_demo", "retention_until")
    slugs = ["emotional-awareness", "explore", "paired-prompts", "server-room"]
    assert list(rows) == [(slug, "open", True, until) for slug in slugs]
    assert "Paired prompts: Paired prompts v1, open\n" in capsys.readouterr().out


def test_loading_again_changes_nothing() -> None:
    call_command("load_demo")
    call_command("load_demo")
    assert ProtocolVersion.objects.count() == 4
    assert Condition.objects.filter(version__study__slug="explore").count() == 80


def test_changed_demo_becomes_a_new_version() -> None:
    study = load("voices", yaml_text.write(paired()), today=TODAY)
    load("voices", yaml_text.write(paired(debrief="New words.")), today=TODAY)
    assert study.current_version is not None
    assert study.current_version.number == 2


def test_paused_demo_stays_paused() -> None:
    text = yaml_text.write(paired())
    load("voices", text, today=TODAY)
    Study.objects.update(state="paused")
    assert load("voices", text, today=TODAY + timedelta(days=60)).state == "paused"


def test_demo_whose_retention_ran_out_is_erased_before_it_opens_for_longer() -> None:
    text = yaml_text.write(paired())
    load("voices", text, today=TODAY)
    anna = Visitor().to_talk()
    anna.talk()
    later = TODAY + timedelta(days=31)
    assert load("voices", text, today=later).retention_until == later + timedelta(days=30)
    assert Track.objects.count() == 0
