"""What every answer carries, and what of the packages is public."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from hearmeout_site.environment import ROOT
from hearmeout_site.headers import HEADERS
from hearmeout_site.packages import NamedFiles, named_files
from tests.studies.management.test_prepare import PRODUCTION


@pytest.mark.parametrize("address", ["/", "/accounts/login/", "/admin/", "/healthz", "/nothing/"])
def test_every_answer_says_who_may_embed_it_and_use_the_microphone(address: str, db: None) -> None:
    answer = Client().get(address)
    assert {name: answer[name] for name in HEADERS} == HEADERS
    assert answer["Permissions-Policy"].startswith("microphone=(self), camera=(), ")
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_cookies_over_https_are_this_host_s_alone(tmp_path: Path) -> None:
    code = (
        "import django, json; django.setup(); from django.conf import settings as s\n"
        "print(json.dumps([s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
        "s.SESSION_COOKIE_PATH, s.CSRF_COOKIE_PATH, s.SESSION_COOKIE_DOMAIN, s.CSRF_COOKIE_DOMAIN]))"
    )
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **PRODUCTION}
    environ["DJANGO_SETTINGS_MODULE"] = "hearmeout_site.settings"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True)
    expected = ["__Host-sessionid", "__Host-csrftoken", True, True, "/", "/", None, None]
    assert json.loads(done.stdout) == expected, done.stderr


def test_of_the_packages_the_named_files_alone_are_public() -> None:
    listed = {name for name, _ in NamedFiles().list(None)}
    assert listed == named_files()  # whatever is named is there
    assert {"htmx.org/dist/htmx.esm.min.js", "@codemirror/view/dist/index.js"} < listed
    assert finders.find("npm/htmx.org/dist/htmx.esm.min.js") == str(ROOT / "node_modules/htmx.org/dist/htmx.esm.min.js")
    unnamed = ["npm/htmx.org/package.json", "npm/typescript/package.json", "npm/axe-core/axe.min.js"]
    assert [finders.find(path) for path in (*unnamed, "npm/../package.json", "htmx.org/dist/htmx.esm.min.js")] == [
        None
    ] * 5


def test_named_files_import_no_further_file_of_theirs() -> None:
    for name in named_files():
        if name.endswith(".js"):
            source = (ROOT / "node_modules" / name).read_text(encoding="utf-8")
            assert re.findall(r"""^(?:import|export)[^"'\n]*from\s*["'](\.[^"']+)["']""", source, re.MULTILINE) == [], (
                name
            )
