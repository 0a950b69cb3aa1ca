"""The texts of the interface, found in its sources by Babel's own commands, and the catalogues that translate them.

    python -m hearmeout_site.messages

adds new texts to studies/locale/*/LC_MESSAGES/*.po, removes those that are gone, puts the glossary of docs/glossary.md
at the head of each, compiles the catalogues, and names the texts that still lack a translation. `studies/locale/*.cfg`
says which files are read. Babel finds what Django's makemessages would find, without GNU gettext, which a machine may
not have.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

from hearmeout_site.environment import ROOT
from inference.contract.catalog import ENGINES
from studies.insights.measure import METHODS
from studies.protocol.cells import FREE_VOICE
from studies.protocol.free_voice import MAIN, MORE, free_parameters, free_presets

LOCALE: Final = ROOT / "studies" / "locale"
GLOSSARY: Final = ROOT / "docs" / "glossary.md"
MANNERS: Final = {
    "sv": "Svenska. Vi säger du. Meningar i gränssnittet är hela och har punkt; knappar och rubriker har ingen.",
    "de": "Deutsch. Wir siezen. Sätze der Oberfläche haben einen Punkt; Knöpfe und Überschriften keinen.",
}
"""How each language speaks to people. Its words stand in the glossary, which has a column for each, in this order."""
TRANSLATED: Final = tuple(MANNERS)
DOMAINS: Final = ("django", "djangojs")
OF_ENGINES: Final = "inference/contract/catalog.py"  # their labels and descriptions stand there
# Which arguments of a call are texts, as `pybabel --keywords` takes it; Python's are those beside Babel's own.
PYTHON_KEYWORDS: Final = {
    "gettext_lazy": "1",
    "gettext_noop": "1",
    "ngettext_lazy": "1,2",
    "pgettext_lazy": "1c,2",
    "npgettext_lazy": "1c,2,3",
}
JS_KEYWORDS: Final = {"translate": "1", "translatePlural": "1,2"}
WIDTH: Final = "--width=120"


def catalogue(language: str, domain: str) -> Catalog:
    """The translations as they stand in the source."""
    with catalogue_path(language, domain).open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def catalogue_path(language: str, domain: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def sources(domain: str) -> Catalog:
    """Every text of the interface, untranslated, with the files it stands in."""
    with TemporaryDirectory() as folder, extract(domain, Path(folder)).open("rb") as file:
        return read_po(file, domain=domain)


def extract(domain: str, folder: Path) -> Path:
    """Writes the texts of the interface into a template catalogue in `folder`; returns its path."""
    template = folder / f"{domain}.pot"
    keywords = JS_KEYWORDS if domain == "djangojs" else PYTHON_KEYWORDS
    options = [f"--keywords={name}:{arguments}" for name, arguments in keywords.items()]
    if domain == "djangojs":
        options.insert(0, "--no-default-keywords")
    mapping = f"--mapping-file={LOCALE / f'{domain}.cfg'}"
    babel("extract", mapping, "--add-location=file", "--sort-by-file", *options, f"--output-file={template}", ".")
    return template


def lacking(language: str, domain: str) -> list[str]:
    """The texts without a translation, or with a fuzzy one, each with a file it stands in. An engine that is translated
    into no language lacks nothing: people read about it in English."""
    translated = catalogue(language, domain)
    untranslated = [
        message
        for message in sources(domain)
        if message.id and not _is_translated(translated.get(_first(message), message.context))
    ]
    others = [catalogue(other, domain) for other in TRANSLATED if other != language] if untranslated else []
    return [
        f"{message.locations[0][0]}: {message.id!r}"
        for message in untranslated
        if {place for place, _line in message.locations} != {OF_ENGINES}
        or any(_is_translated(other.get(_first(message), message.context)) for other in others)
    ]


def update(domain: str) -> None:
    """Brings the catalogues of all languages up to date and compiles them; translations stay."""
    with TemporaryDirectory() as folder:
        template = extract(domain, Path(folder))
        for language in TRANSLATED:
            path = catalogue_path(language, domain)
            entry, _, _ = path.read_text("utf-8").partition("\n\n")
            head = comment(language) + entry[entry.index('msgid ""') :]  # Babel would indent the comment anew
            where = [f"--input-file={template}", f"--output-dir={LOCALE}", f"--domain={domain}", f"--locale={language}"]
            babel("update", *where, WIDTH, "--no-fuzzy-matching", "--ignore-obsolete")
            _, _, body = path.read_text("utf-8").partition("\n\n")
            path.write_text(f"{head}\n\n{body.strip()}\n", "utf-8")
    babel("compile", f"--directory={LOCALE}", f"--domain={domain}")


def glossary(language: str) -> dict[str, str]:
    """The words for things, each with its translation."""
    rows = [row.strip("| ").split(" | ") for row in GLOSSARY.read_text("utf-8").splitlines() if row.startswith("| ")]
    return {row[0]: row[1 + TRANSLATED.index(language)] for row in rows[1:]}


def comment(language: str) -> str:
    """What heads a catalogue, for those who translate."""
    words = [f"  {english}: {translated}" for english, translated in glossary(language).items()]
    lines = [MANNERS[language], "", f"One word for one thing ({GLOSSARY.relative_to(ROOT).as_posix()}):", *words]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def babel(command: str, *options: str) -> None:
    """Runs one of `pybabel`'s commands, for which paths begin at the top of the checkout."""
    with chdir(ROOT):
        CommandLineInterface().run(["pybabel", "--quiet", command, *options])  # type: ignore[no-untyped-call]


def extract_template(
    file: IO[bytes], keywords: Mapping[str, Any], tags: list[str], options: Mapping[str, Any]
) -> Iterator[Any]:
    """A Django template: its text becomes letters, its translated parts calls, and lines lose their indentation."""
    code = "\n".join(line.strip() for line in templatize(file.read().decode()).splitlines())
    yield from extract_python(BytesIO(code.encode()), keywords, tags, {"encoding": "utf-8"})


def extract_offered(
    file: IO[bytes], keywords: Mapping[str, Any], tags: list[str], options: Mapping[str, Any]
) -> Iterator[Any]:
    """A module that knows nothing of Django and offers texts to visitors in its data, beside those it marks."""
    offered = {
        "catalog.py": [text for entry in ENGINES.values() for text in (entry.label, entry.about, entry.needs) if text],
        "cells.py": [FREE_VOICE.label],
        "presets.py": [label for label, _parameters in free_presets().values()],
        "parameters.py": [parameter.label for parameter in free_parameters().values()],
        "free_voice.py": [*MAIN.values(), *MORE.values()],
        "measure.py": [text for method in METHODS for text in (method.unit, method.citation) if text],
    }
    for text in offered[Path(file.name).name]:
        yield 1, None, text, []
    yield from extract_python(file, keywords, tags, {"encoding": "utf-8"})


def _first(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, tuple | list) else message.id)


def _is_translated(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


if __name__ == "__main__":
    for each in DOMAINS:
        update(each)
    missing = [f"{code} lacks {line}" for code in TRANSLATED for each in DOMAINS for line in lacking(code, each)]
    print("\n".join(missing))
    sys.exit(1 if missing else 0)
