"""Spanish is complete: no string of the source is without it. Needs no gettext tools; knows nothing of what it means.

After a string was added or changed, with gettext's tools on the PATH:

    python manage.py makemessages -l es --no-location --no-obsolete --ignore '.venv/*' --ignore '.local/*'
    sed -i '/^"\\(POT-Creation-Date\\|Report-Msgid-Bugs-To\\)/d' locale/es/LC_MESSAGES/django.po
    # translate what is empty, and what is marked fuzzy; "usted" throughout
    python manage.py compilemessages -l es --ignore '.venv/*'
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation.template import templatize

CATALOGUE = settings.BASE_DIR / "locale" / "es" / "LC_MESSAGES" / "django.po"
PACKAGES = ["agent", "config", "conversations", "tenants", "whatsapp"]
PLAIN = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w*\}")

Marked = tuple[str | None, str]


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def marked_in(source: str) -> Iterator[Marked]:
    """(context, text) of every call that marks a text for translation."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if name in PLAIN and texts:
                yield None, texts[0]
            elif name in WITH_CONTEXT and texts:
                yield texts[0], texts[1]


def calls_of(template: str) -> str:
    """The template's marked texts as Python: Django turns it into calls with noise between them."""
    call = re.compile(r"\b(?:_|n?p?gettext)\((?:u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\"|[\s,]|count)*\)")
    return "\n".join(call.findall(templatize(template)))


def sources() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in (settings.BASE_DIR / package).rglob("*.py"):
            yield path, path.read_text()
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        yield path, calls_of(path.read_text())


def test_every_text_of_the_source_is_in_the_catalogue(catalogue):
    known = {(entry.msgctxt, entry.msgid) for entry in catalogue}
    missing = [f"{path.name}: {text}" for path, source in sources() for text in marked_in(source) if text not in known]
    assert missing == []


def test_no_text_of_the_catalogue_has_left_the_source(catalogue):
    used = {text for _path, source in sources() for text in marked_in(source)}
    assert [entry.msgid for entry in catalogue if (entry.msgctxt, entry.msgid) not in used] == []


def test_nothing_is_untranslated_or_a_guess(catalogue):
    assert [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy] == []


def test_placeholders_are_the_same_in_both_languages(catalogue):
    """A form for one may leave out the number."""
    for entry in catalogue:
        wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        *forms, last = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        assert set(PLACEHOLDER.findall(last)) == wanted, entry.msgid
        assert all(set(PLACEHOLDER.findall(form)) <= wanted for form in forms), entry.msgid


def test_what_is_served_is_what_is_in_the_catalogue(catalogue):
    def texts(file: polib.POFile | polib.MOFile) -> dict[Marked, object]:
        return {(e.msgctxt, e.msgid): e.msgstr or list(e.msgstr_plural.values()) for e in file}

    assert texts(polib.mofile(str(CATALOGUE.with_suffix(".mo")))) == texts(catalogue)


def test_the_end_of_a_signup_is_told_in_the_readers_language(client: Client, db: None, settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    for language, words in {"es": "No conocemos este enlace", "en": "We do not know this link"}.items():
        response = client.get("/oauth/meta/callback", {"state": "x"}, headers={"Accept-Language": language})
        assert words in response.content.decode()
        assert f'<html lang="{language}">' in response.content.decode()
