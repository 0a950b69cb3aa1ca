"""What machines ask from inside an installation, in production too."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from inference.contract.tokens import HEARTBEAT, VOICE, sign
from studies.models import InferenceWorker
from tests.studies import factories

INSIDE = ["127.0.0.1:8000", "web:8000", "10.0.3.7:8000", "[fd00::1]:8000"]


@pytest.fixture(autouse=True)
def _production(settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLOWED_HOSTS = ["study.example.org"]
    settings.INTERNAL_HOSTS = ["*"]
    settings.WHITENOISE_USE_FINDERS = False  # every client would look through all of node_modules


@pytest.mark.parametrize("host", INSIDE)
def test_health_is_told_over_plain_http_by_any_name(host: str, db: None) -> None:
    factories.make_worker()
    assert Client().get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", INSIDE)
def test_worker_reports_with_the_default_style_of_its_web_url(
    host: str, transactional_db: None, settings: LazySettings
) -> None:
    report = {"name": "gpu-1", "address": "ws://127.0.0.1:8700", "engines": {}, "converters": [], "slots": 1}
    token = sign(HEARTBEAT, {**report, "free_slots": 1}, settings.WORKER_SECRET)
    client = Client(enforce_csrf_checks=True, headers={"host": host})
    assert client.post("/workers/heartbeat/", token, content_type="text/plain").status_code == 204
    assert InferenceWorker.objects.get().name == "gpu-1"
    sha256 = "0" * 64
    bearer = {"host": host, "authorization": f"Bearer {sign(VOICE, sha256, settings.WORKER_SECRET)}"}
    assert client.get(f"/voices/{sha256}.flac", headers=bearer).json()["code"] == "unknown_voice"


@pytest.mark.parametrize("address", ["start", "account_login", "admin:index"])
def test_pages_are_for_the_site_s_own_names_over_https(address: str, db: None) -> None:
    path = reverse(address)
    assert Client().get(path, headers={"host": "10.0.3.7"}).status_code == 400
    moved = Client().get(path, headers={"host": "study.example.org"})
    assert (moved.status_code, moved["Location"]) == (301, f"https://study.example.org{path}")
    secure = {"host": "10.0.3.7", "x-forwarded-proto": "https"}
    assert Client().get(path, headers=secure).status_code == 400


def test_internal_names_can_be_told(db: None, settings: LazySettings) -> None:
    settings.INTERNAL_HOSTS = ["web", "127.0.0.1"]
    factories.make_worker()
    found = {host: Client().get("/healthz", headers={"host": host}).status_code for host in (*INSIDE, "x y")}
    assert found == {"127.0.0.1:8000": 200, "web:8000": 200, "10.0.3.7:8000": 400, "[fd00::1]:8000": 400, "x y": 400}


def test_unknown_internal_address_is_a_page_like_any_other(db: None) -> None:
    secure = {"host": "study.example.org", "x-forwarded-proto": "https"}
    assert Client().get("/workers/nothing/", headers=secure).status_code == 404
