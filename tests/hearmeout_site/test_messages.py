"""The catalogues are complete and fit what they translate; nothing that participants read is left unmarked.

`python -m hearmeout_site.messages` brings a catalogue that is behind up to date and names what is to be translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.jslexer import tokenize
from babel.messages.pofile import read_po
from django.utils.translation import gettext, override, pgettext
from django.utils.translation.template import templatize

from hearmeout_site.environment import ROOT
from hearmeout_site.messages import DOMAINS, JS_KEYWORDS, LOCALE, TRANSLATED, catalogue, lacking, sources
from inference.contract.catalog import ENGINES
from studies.participant.language import script_catalogue

CATALOGUES = [(language, domain) for language in TRANSLATED for domain in DOMAINS]
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*\}|<[^>]+>")
NAMES = {"Hear", "Me", "Out", "SHA"}  # what is the same in every language


def messages(language: str, domain: str) -> list[Message]:
    return [message for message in catalogue(language, domain) if message.id]


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """(English, translation), form by form; "one" may be a word, so its form fits the English plural as well."""
    if not isinstance(message.id, tuple | list):
        yield message.id, str(message.string)
        return
    one, many = message.id
    for form in message.string or ():
        yield (one if PLACEHOLDER.findall(one) == PLACEHOLDER.findall(form) else many), form


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_everything_said_is_translated(language: str, domain: str) -> None:
    missing = lacking(language, domain)
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_catalogue_holds_nothing_that_is_no_longer_said(language: str, domain: str) -> None:
    said = {(message.context, message.id) for message in sources(domain)}
    gone = [str(message.id) for message in messages(language, domain) if (message.context, message.id) not in said]
    assert not gone, "\n".join(gone)


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_translations_keep_placeholders_and_marks(language: str, domain: str) -> None:
    wrong = []
    for message in messages(language, domain):
        for english, translation in pairs(message):
            if not translation:
                continue
            same_parts = sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(translation))
            same_edges = english[:1].isspace() == translation[:1].isspace()
            same_end = (english[-1] in ".:…") == (translation[-1:] in ".:…")
            safe = '"' in english or '"' not in translation  # many stand in attributes
            if not (same_parts and same_edges and same_end and safe):
                wrong.append(f"{english!r} -> {translation!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_what_is_spoken_is_what_stands_in_the_catalogue(language: str, domain: str) -> None:
    """Also where Django or another app has the same words."""
    scripts = script_catalogue(language)
    assert scripts is not None
    wrong = []
    with override(language):
        for message in messages(language, domain):
            if isinstance(message.id, str) and message.string:
                context, text = message.context, message.id
                on_pages = pgettext(context, text) if context else gettext(text)
                spoken = scripts["messages"].get(text) if domain == "djangojs" else on_pages
                wrong += [f"{text!r} -> {spoken!r}"] if spoken != message.string else []
    assert not wrong, "compile them: make setup; " + "\n".join(wrong)


def test_lacking_names_what_is_new_empty_or_fuzzy(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Catalog()
    for text in ("kept", "new", "empty", "fuzzy", ("one", "many")):
        said.add(text, locations=[("page.html", 0)])
    head = 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    body = 'msgid "{}"\nmsgstr "{}"\n\n'
    plural = 'msgid "one"\nmsgid_plural "many"\nmsgstr[0] "ett"\nmsgstr[1] ""\n\n'
    text = head + body.format("kept", "kvar") + body.format("empty", "") + "#, fuzzy\n" + body.format("fuzzy", "lös")
    translated = read_po(StringIO(text + plural), locale="sv")
    monkeypatch.setattr("hearmeout_site.messages.sources", lambda domain: said)
    monkeypatch.setattr("hearmeout_site.messages.catalogue", lambda language, domain: translated)
    named = [line.removeprefix("page.html: ") for line in lacking("sv", "django")]
    assert named == ["'new'", "'empty'", "'fuzzy'", "('one', 'many')"]


# -- what is not marked ------------------------------------------------------------------------------------------------

PAGES = [
    *sorted((ROOT / "templates").glob("*.html")),
    *sorted(path for path in (ROOT / "templates" / "participant").rglob("*") if path.is_file()),
    *sorted((ROOT / "templates" / "components").rglob("*.html")),
]
SPOKEN_ATTRIBUTE = re.compile(r"""\b(?:aria-label|alt|title|placeholder|aria-description)=["']([^"']*)["']""")


def unmarked_in_page(source: str) -> list[str]:
    """Words of a template that stand outside translated parts, tags and variables."""
    text = re.sub(r"{#.*?#}|{% comment.*?endcomment %}", "", source, flags=re.DOTALL)
    text = re.sub(r"{% blocktranslate.*?endblocktranslate %}", "", text, flags=re.DOTALL)
    text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    text = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"""<(\w+)[^>]*\slang="en-gb".*?</\1>""", "", text, flags=re.DOTALL)  # meant for researchers
    attributes = " ".join(SPOKEN_ATTRIBUTE.findall(text))
    words = re.sub(r"<[^>]*>|&\w+;", " ", text, flags=re.DOTALL) + " " + attributes
    return [word for word in re.findall(r"[A-Za-zÀ-ž]{2,}", words) if word not in NAMES]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_page_says_nothing_that_is_not_marked(path: Path) -> None:
    found = unmarked_in_page(path.read_text())
    assert not found, " ".join(found)


def test_unmarked_words_of_a_page_are_found() -> None:
    page = '{% load i18n %}<p class="lead" title="{% translate "Yes" %}">{% translate "Yes" %} {{ name }}</p>'
    assert unmarked_in_page(page) == []
    assert unmarked_in_page(f'{page}<button aria-label="Play it">No</button>') == ["No", "Play", "it"]


RESEARCHERS_PAGES = ("write", "new", "preview", "translate", "target-voice")
RESEARCHERS_SCRIPTS = ("voice/", "editor/", "i18n.js", *(f"pages/{name}.js" for name in RESEARCHERS_PAGES))
SCRIPTS_FOLDER = ROOT / "studies" / "static" / "studies" / "js"
SCRIPTS = [
    path
    for path in sorted(SCRIPTS_FOLDER.rglob("*.js"))
    if not path.relative_to(SCRIPTS_FOLDER).as_posix().startswith(RESEARCHERS_SCRIPTS)
]


def unmarked_in_script(source: str) -> list[str]:
    """Strings that read like a sentence or a heading and are not translated; errors for programmers may be."""
    found: list[str] = []
    calls: list[str] = []  # whose arguments these are, the innermost last
    before = ""
    for token in tokenize(source):
        if token.type in ("linecomment", "multilinecomment"):
            continue
        if token.value == "(":
            calls.append(before)
        elif token.value == ")":
            calls.pop()
        elif token.type in ("string", "template_string"):
            text = token.value.strip("\"'`")
            marked = bool(calls) and (calls[-1] in JS_KEYWORDS or calls[-1].endswith("Error"))
            if marked:
                unfit = calls[-1] in JS_KEYWORDS and token.type == "template_string"  # nobody could translate that
            else:
                unfit = " " in text and re.match(r"[A-Z][a-z]+( [\w’$'{]|[a-z.…]*$)", text) is not None
            if unfit:
                found.append(text)
        before = token.value
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(SCRIPTS_FOLDER).as_posix())
def test_script_says_nothing_that_is_not_marked(path: Path) -> None:
    found = unmarked_in_script(path.read_text())
    assert not found, "\n".join(found)


def test_unmarked_sentences_of_a_script_are_found() -> None:
    assert (
        unmarked_in_script('say(translate("All is well."), error("x-y")); throw new Error("The page lacks it");') == []
    )
    assert unmarked_in_script('say(`Speak now: ${left}`); tell("Nothing is kept.");') == [
        "Speak now: ${left}",
        "Nothing is kept.",
    ]


PARTICIPANT_CODE = sorted((ROOT / "studies" / "participant").rglob("*.py"))
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}


def unmarked_in_code(source: str) -> list[str]:
    """Sentences in strings of a module that are neither docstrings, nor marked, nor for programmers."""
    tree = ast.parse(source)
    quiet: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            quiet.add(id(node.value))
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in MARKS or name.endswith("Error"):
                quiet.update(id(part) for part in ast.walk(node))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in quiet
        and re.match(r"[A-Z][a-z]*,? [\w’]+.*[.?!]\s*$", node.value, re.DOTALL)
    ]


@pytest.mark.parametrize("path", PARTICIPANT_CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_participants_code_says_nothing_that_is_not_marked(path: Path) -> None:
    found = unmarked_in_code(path.read_text())
    assert not found, "\n".join(found)


def test_unmarked_sentences_of_code_are_found() -> None:
    code = '"""A module."""\na = _("All is well.")\nb = "Nothing is kept."\nraise ValueError("It is broken.")\n'
    assert unmarked_in_code(code) == ["Nothing is kept."]


# -- what is spoken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("engine", ["cascade", "moshi", "moshi_server", "openai_realtime"])
def test_engines_that_ship_are_described_in_every_language(engine: str, language: str) -> None:
    entry = ENGINES[engine]
    translated = catalogue(language, "django")
    for words in (entry.label, entry.about):
        message = translated.get(words)
        assert message is not None
        assert message.string
        assert not message.fuzzy


def test_every_language_offered_has_catalogues() -> None:
    assert sorted(path.name for path in LOCALE.iterdir() if path.is_dir()) == sorted(TRANSLATED)


def test_page_in_a_language_of_ours_speaks_it() -> None:
    from django.template.loader import render_to_string

    with override("de"):
        text = render_to_string("404.html")
    assert 'lang="de"' in text
    for sentence in re.findall(r'_\("([^"]+)"\)', templatize((ROOT / "templates" / "404.html").read_text())):
        assert sentence not in text
