"""A person who goes through a study in a browser without a microphone: talks are filed as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.test import Client

from studies.models import Session, Study, Take
from studies.protocol.reading.document import parse
from studies.publish import open_study, publish
from tests.studies.factories import make_take, years_ahead
from tests.studies.participant.reports import report

PURPOSES = ("participate", "record", "convert")


def open_new_study(document: dict[str, Any], slug: str = "voices") -> Study:
    """A study with `document` as its published protocol, open for years."""
    study = Study.objects.create(slug=slug, title="Voices", is_demo=True)
    publish(study, parse(document))
    open_study(study, ethics_reference="EK-2026/17", retention_until=years_ahead())
    return study


class Visitor:
    """Sends what the pages' forms would send. `response` is the last answer, redirects followed."""

    def __init__(self, slug: str = "voices") -> None:
        self.client = Client()
        self.slug = slug
        self.response: Any

    @property
    def session(self) -> Session:
        return Session.objects.get(token=self.token)

    @property
    def path(self) -> str:
        """Of the page the visitor is at."""
        return str(self.response.request["PATH_INFO"])

    @property
    def place(self) -> str:
        """The same without the token."""
        return self.path.replace(f"/p/{self.token}/", "")

    @property
    def page(self) -> str:
        return str(self.response.content.decode())

    def get(self, path: str = "") -> Visitor:
        self.response = self.client.get(f"/p/{self.token}/{path}", follow=True)
        return self

    def post(self, path: str, **fields: Any) -> Visitor:
        fields.setdefault("epoch", self.session.epoch)
        self.response = self.client.post(f"/p/{self.token}/{path}", fields, follow=True)
        return self

    def answer(self, path: str, listened: Mapping[str, float] | None = None, **answers: Any) -> Visitor:
        """Opens a page of questions and sends these answers to go on, as its script does. Where the page refuses them,
        the visitor stays there and `refusal` says why. `listened` has the seconds that each side was heard."""
        config = self.get(path).response.context["questions_config"]
        heard = [{"item": "listened_sec", "side": side, "value": value} for side, value in (listened or {}).items()]
        body = {
            "answers": [*({"item": item, "value": value} for item, value in answers.items()), *heard],
            "epoch": self.session.epoch,
            "questionnaire": next(iter(config["questionnaires"].values())),
            "position": config["position"],
            "pair": config["pair"],
            "go_on": True,
        }
        sent = self.client.post(config["saveUrl"], json.dumps(body), content_type="application/json")
        self.refusal: dict[str, Any] = {} if "next" in sent.json() else {**sent.json(), "status": sent.status_code}
        if not self.refusal:
            self.response = self.client.get(sent.json()["next"], follow=True)
        return self

    def arrive(self, link: str = "") -> Visitor:
        """Opens a link of the study (`?...`, or a whole address), and stays where it leads."""
        address = link if link.startswith("/") else f"/s/{self.slug}/{link}"
        self.response = self.client.get(address, follow=True)
        self.token = self.path.split("/")[2]
        return self

    def begin(self, link: str = "") -> Visitor:
        """To the first page of a visit."""
        if self.arrive(link).path.startswith("/p/"):
            return self
        self.sent = {"place": self.response.context["place"], "language": self.response.context["language"]}
        request = self.response.request
        self.response = self.client.post(f"{self.path}?{request['QUERY_STRING']}", self.sent, follow=True)
        self.token = self.path.split("/")[2]
        return self

    def agree(self, *purposes: str) -> Visitor:
        return self.post("consent/", decision="agree", **dict.fromkeys(purposes or PURPOSES, "on"))

    def check(self) -> Visitor:
        return self.post("check/", device=report())

    def talk(self, **fields: Any) -> Take:
        """What a completed talk at the visitor's place leaves behind."""
        trial = self.session.trials.get(position=int(self.place.split("/")[1]))
        take = make_take(trial, **fields)
        self.get("next/")
        return take

    def rate(self, **answers: Any) -> Visitor:
        return self.answer(self.place, **{"helpful": 5, "remark": "", **answers})

    def judge(self, listened: Mapping[str, float] | None = None, **answers: Any) -> Visitor:
        return self.answer(self.place, listened or {"A": 2.5, "B": 3}, **{"prefer": "A", **answers})

    def to_talk(self) -> Visitor:
        """To the first talk of a study, by the shortest way."""
        return self.begin().agree().check()

    def to_comparison(self) -> Visitor:
        """To the comparison of a study of one pair."""
        self.to_talk()
        for _ in range(2):
            self.talk()
            self.rate()
        return self
