"""What surrounds the talks: screening, attention checks, headphones, the recruiter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studies.errors import Problem
from studies.protocol.reading.problems import path_of
from studies.protocol.rules.asking import asked_items
from studies.protocol.schema import Protocol
from studies.protocol.visit import AttentionChecks, Codes, Recruiter

PLACEHOLDERS = ("code", "person")


def check(protocol: Protocol) -> Iterator[Problem]:
    headphones = protocol.device_check.headphones
    if headphones is not None and headphones.pass_at > headphones.trials:
        message = f"is {headphones.pass_at}, but there are {headphones.trials} trials; expected at most that"
        yield Problem("device_check.headphones.pass_at", message)
    is_check = any(getattr(asked.item, "expect", None) is not None for asked in asked_items(protocol))
    if protocol.attention != AttentionChecks() and not is_check:
        message = "has no item to check; add expect, the right answer, to an item, or leave this out"
        yield Problem("attention", message)
    yield from _check_recruiter(protocol.recruiter)


def _check_recruiter(recruiter: Recruiter) -> Iterator[Problem]:
    service = recruiter.service
    codes = recruiter.codes.model_dump(exclude_none=True)
    if service == "prolific" and "completed" not in codes:
        yield Problem("recruiter.codes.completed", "is missing: Prolific needs the completion code of the study")
    if service == "none":
        for name in codes:
            if name != "completed":
                message = "is not used: service none sends nobody back; choose a service, or leave it out"
                yield Problem(f"recruiter.codes.{name}", message)
    first: dict[str, str] = {}
    for name in (name for name in Codes.model_fields if name in codes):
        if codes[name] in first:
            message = f"is that of {first[codes[name]]} too; the service could not tell the two apart"
            yield Problem(f"recruiter.codes.{name}", message)
        first.setdefault(codes[name], name)
    if service != "generic" and recruiter.parameter != Recruiter.model_fields["parameter"].default:
        yield Problem("recruiter.parameter", f"belongs to service generic; {service} has its own, leave it out")
    yield from _check_return(recruiter)


def _check_return(recruiter: Recruiter) -> Iterator[Problem]:
    place, url, service = path_of(("recruiter", "return_url")), recruiter.return_url, recruiter.service
    if service == "sona" and (url is None or "{person}" not in url):
        found = "is missing" if url is None else "does not identify the participant"
        yield Problem(place, f"{found}: paste SONA's client-side completion URL, with {{person}} in place of XXXX")
    if url is None:
        return
    if service not in ("generic", "sona"):
        yield Problem(place, f"belongs to services generic and sona; {service} has its own way back, leave it out")
    for name in re.findall(r"\{([^{}]*)\}", url):
        if name not in PLACEHOLDERS:
            yield Problem(place, f"has {{{name}}}; expected {{code}} or {{person}}")
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", url)):
        yield Problem(place, "has a brace without its counterpart; expected {code} or {person}")
