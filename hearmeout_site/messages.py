"""What the interface says, found in its sources, and the catalogues that translate it.

    python -m hearmeout_site.messages

adds what is new to studies/locale/*/LC_MESSAGES/*.po, takes out what is gone, compiles, and names what still lacks a
translation. Strings are found as Django's makemessages finds them, by Babel instead of GNU gettext, which a machine may
not have.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_javascript, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from hearmeout_site.environment import ROOT
from inference.contract.catalog import ENGINES
from studies.insights.measure import METHODS
from studies.protocol.cells import FREE_VOICE
from studies.protocol.free_voice import MAIN, MORE, free_parameters, free_presets

LOCALE: Final = ROOT / "studies" / "locale"
TRANSLATED: Final = ("sv", "de")
DOMAINS: Final = ("django", "djangojs")
OF_ENGINES: Final = "inference/contract/catalog.py"  # where their labels and descriptions stand

PYTHON_KEYWORDS: Final = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
JS_KEYWORDS: Final = {"translate": None, "translatePlural": (1, 2)}


def catalogue(language: str, domain: str) -> Catalog:
    """The translations as they stand in the source."""
    with catalogue_path(language, domain).open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def catalogue_path(language: str, domain: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def sources(domain: str) -> Catalog:
    """Everything that the interface says, untranslated, with the places it is said at."""
    said = Catalog(domain=domain)
    found = _in_scripts() if domain == "djangojs" else _in_pages()
    keywords = JS_KEYWORDS if domain == "djangojs" else PYTHON_KEYWORDS
    for place, line, function, arguments in found:
        context, message = _message(keywords.get(function), arguments)
        if message:
            said.add(message, locations=[(place, line)], context=context)
    if domain == "django":
        for text, place in _offered():
            said.add(text, locations=[(place, 1)])
    return said


def lacking(language: str, domain: str) -> list[str]:
    """What is said and has no translation, or a fuzzy one, with a place where it is said. The words of an engine that
    nobody has translated into any language are no lack: people read them in English."""
    translated = catalogue(language, domain)
    untranslated = [
        message
        for message in sources(domain)
        if message.id and not _is_translated(translated.get(_first(message), message.context))
    ]
    others = [catalogue(other, domain) for other in TRANSLATED if other != language] if untranslated else []
    return [
        f"{message.locations[0][0]}:{message.locations[0][1]}: {message.id!r}"
        for message in untranslated
        if {place for place, _line in message.locations} != {OF_ENGINES}
        or any(_is_translated(other.get(_first(message), message.context)) for other in others)
    ]


def update(language: str, domain: str) -> None:
    """Writes and compiles the catalogue with what is said now; translations stay."""
    before = catalogue(language, domain)
    after = Catalog(locale=language, domain=domain, fuzzy=False)
    for message in sources(domain):
        if message.id:
            known = before.get(_first(message), message.context)
            places = sorted({(place, 0) for place, _line in message.locations})  # lines change with every edit
            flags = known.flags & {"fuzzy"} if known else ()
            string = known.string if known and isinstance(known.id, type(message.id)) else ""
            after.add(message.id, string, locations=places, flags=flags, context=message.context)
    path = catalogue_path(language, domain)
    head, _, _ = path.read_text("utf-8").partition("\n\n")  # glossary and plural rule, kept as they are written
    body = BytesIO()
    write_po(body, after, width=120, sort_by_file=True, include_lineno=False, omit_header=True)
    path.write_text(f"{head}\n\n{body.getvalue().decode().strip()}\n", "utf-8")
    compiled = BytesIO()
    write_mo(compiled, after)
    path.with_suffix(".mo").write_bytes(compiled.getvalue())


def _in_pages() -> Iterator[tuple[str, int, str, Any]]:
    for path in sorted(path for path in ROOT.glob("templates/**/*") if path.suffix in (".html", ".txt")):
        # the template's text becomes letters, its translated parts calls; lines may not be indented
        code = "\n".join(line.strip() for line in templatize(path.read_text("utf-8")).splitlines())
        yield from _extract(extract_python, path, code, PYTHON_KEYWORDS)
    for folder in ("studies", "hearmeout_site"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from _extract(extract_python, path, path.read_text("utf-8"), PYTHON_KEYWORDS)


def _in_scripts() -> Iterator[tuple[str, int, str, Any]]:
    for path in sorted(ROOT.glob("studies/static/studies/js/**/*.js")):
        if path.name != "i18n.js":
            yield from _extract(extract_javascript, path, path.read_text("utf-8"), JS_KEYWORDS)


def _extract(
    extract: Callable[..., Iterable[Any]], path: Path, code: str, keywords: Mapping[str, Any]
) -> Iterator[tuple[str, int, str, Any]]:
    place = path.relative_to(ROOT).as_posix()
    for line, function, arguments, _comments in extract(BytesIO(code.encode()), keywords, [], {"encoding": "utf-8"}):
        yield place, line, function, arguments


def _offered() -> Iterator[tuple[str, str]]:
    """What visitors choose from and read of measurements, named by modules that know nothing of Django."""
    for entry in ENGINES.values():
        if entry.selectable:
            yield from ((entry.label, OF_ENGINES), (entry.about, OF_ENGINES))
    yield FREE_VOICE.label, "studies/protocol/cells.py"
    for label, _parameters in free_presets().values():
        yield label, "inference/contract/presets.py"
    for parameter in free_parameters().values():
        yield parameter.label, "inference/contract/parameters.py"
    for about in ({**MAIN, **MORE}).values():
        yield about, "studies/protocol/free_voice.py"
    for method in METHODS:
        yield from ((text, "studies/insights/measure.py") for text in (method.unit, method.citation) if text)


def _message(keyword: Any, arguments: Any) -> tuple[str | None, Any]:
    """(context, message or its two numbers) of one call, as `keyword` tells its arguments apart."""
    given = arguments if isinstance(arguments, tuple) else (arguments,)
    context, parts = None, []
    for position in keyword or (1,):
        index, is_context = (position[0], True) if isinstance(position, tuple) else (position, False)
        text = given[index - 1] if index <= len(given) else None
        if is_context:
            context = text
        else:
            parts.append(text)
    if not all(parts):
        return context, None
    return context, parts[0] if len(parts) == 1 else tuple(parts)


def _first(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, tuple | list) else message.id)


def _is_translated(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


if __name__ == "__main__":
    missing = 0
    for language in TRANSLATED:
        for domain in DOMAINS:
            update(language, domain)
            for line in lacking(language, domain):
                missing += 1
                print(f"{language} lacks {line}")
    sys.exit(1 if missing else 0)
