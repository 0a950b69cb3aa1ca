from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from studies.models import Study
from studies.researcher.design.starting import templates
from studies.researcher.design.writing import drafts
from tests.studies import factories

TEMPLATE = next(template.text for template in templates() if template.name == "paired-prompts")


def lasting(minutes: int) -> str:
    """The draft, said to take so long."""
    return re.sub(r"(?m)^duration_min: \d+$", f"duration_min: {minutes}", TEMPLATE)


PAIRED = lasting(10)


@pytest.fixture
def anna(db: None) -> User:
    return factories.make_researcher()


@pytest.fixture
def browser(anna: User) -> Client:
    """Anna's."""
    client = Client()
    client.force_login(anna)
    return client


@pytest.fixture
def study(anna: User) -> Study:
    """Not published; its draft is a template."""
    return drafts.create(PAIRED, anna, name="paired")
