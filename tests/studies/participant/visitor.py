"""A person who goes through a study in a browser without a microphone: talks are filed as rows."""

from __future__ import annotations

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

    def rate(self, **fields: Any) -> Visitor:
        return self.post(self.place, **{"helpful": 5, "remark": "", **fields})

    def judge(self, **fields: Any) -> Visitor:
        return self.post(self.place, **{"prefer": "A", "listened-A": 2.5, "listened-B": 3, **fields})

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
