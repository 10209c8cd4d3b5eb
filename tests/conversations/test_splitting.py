"""Long texts in parts: few, cut where a reader would pause, whole in their markup, and nothing lost."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.phrasing import split

SIGNS = ["*negrita*", "*dos", "palabras*", "_a", "b_", "~x~", "`c", "d`", "```", "```\n", "\n```", "> ", "- ", "1. "]
WORDS = [
    "Hola",
    "Sr.",
    "fin. ",
    "¿Qué?",
    "¡Sí! ",
    "重点。",
    "👨‍👩‍👧",
    "🇪🇸",
    "é",
    "x" * 50,
    "https://x.es/a_b",
    "\n",
    "\n\n",
]
PIECES = st.sampled_from([*SIGNS, *WORDS])
TEXTS = st.lists(PIECES | st.text(max_size=12), max_size=60).map("".join)


def bare(text: str) -> str:
    """Without white space and signs of markup."""
    return re.sub(r"[\s*_~`>]", "", text)


def test_markup_that_piles_up_makes_no_part_too_long():
    text = "*negrita*" * 19 + "```\n00000000000*negrita**negrita**negrita*\n```"
    parts = split(text, 40)
    assert all(part.strip() and len(part) <= 40 for part in parts)
    assert bare("".join(parts)) == bare(text)


@given(TEXTS, st.integers(40, 200))
def test_every_part_is_short_enough_and_no_word_is_lost(text, limit):
    parts = split(text, limit)
    assert all(part.strip() and len(part) <= limit for part in parts)
    assert bare("".join(parts)) == bare(text)


@given(st.lists(st.text("abcdé¿?.", min_size=1, max_size=12), max_size=80), st.integers(40, 100))
def test_words_stay_whole_and_in_order(words, limit):
    assert " ".join(split(" ".join(words), limit)).split() == words


@given(st.lists(st.text("abc. ", min_size=1, max_size=60).filter(str.strip), min_size=1), st.integers(60, 120))
def test_parts_are_well_filled(sentences, limit):
    parts = split("\n".join(sentences), limit)
    for one, other in pairwise(parts):
        assert len(one) + len(other) > limit - 4 - 60


def test_a_short_text_is_one_part():
    assert split("Hola") == ["Hola"]
    assert split("x" * 4096) == ["x" * 4096]
    assert split("  \n ") == []


CUTS = {
    "between paragraphs": (
        "Primero esto. Y esto.\n\nLuego aquello, que es largo.",
        ["Primero esto. Y esto.", "Luego aquello, que es largo."],
    ),
    "between lines": (
        "- pan de molde con pasas\n- leche fresca de vaca",
        ["- pan de molde con pasas", "- leche fresca de vaca"],
    ),
    "between sentences": (
        "¿Abrís el domingo? ¡Sí, claro que abrimos! Hasta luego.",
        ["¿Abrís el domingo?", "¡Sí, claro que abrimos! Hasta luego."],
    ),
    "between sentences without spaces": (
        "我们星期天也开门营业。" * 4,
        ["我们星期天也开门营业。" * 3, "我们星期天也开门营业。"],
    ),
    "not behind an abbreviation": (
        "Le espera aquí mismo el Sr. García de la tienda",
        ["Le espera aquí mismo el Sr. García", "de la tienda"],
    ),
    "not behind what announces": (
        "Hola, ¿qué tal? Tenemos:\n- pan de molde\n- leche de vaca",
        ["Hola, ¿qué tal?", "Tenemos:\n- pan de molde\n- leche de vaca"],
    ),
    "styled words": (
        "Es *muy importante que vengas a la hora en punto*",
        ["Es *muy importante que vengas a la*", "*hora en punto*"],
    ),
    "nested styles": (
        "*Es _muy importante que vengas a la hora en punto_*",
        ["*Es _muy importante que vengas a la_*", "*_hora en punto_*"],
    ),
    "a quote": (
        "> Es muy importante que vengas a la hora en punto",
        ["> Es muy importante que vengas a la", "> hora en punto"],
    ),
    "code": (
        "```\nuno = 'un texto largo'\n\n    dos = 'otro texto'\n```",
        ["```\nuno = 'un texto largo'\n```", "```\n    dos = 'otro texto'\n```"],
    ),
    "a long word": ("x" * 50, ["x" * 36, "x" * 14]),
    "a long word in bold": (f"*{'x' * 50}*", [f"*{'x' * 35}*", f"*{'x' * 15}*"]),
    "a family": ("x" * 35 + "👨‍👩‍👧" + "y" * 10, ["x" * 35, "👨‍👩‍👧" + "y" * 10]),
    "flags": ("x" * 33 + "🇪🇸🇫🇷🇵🇹🇮🇹", ["x" * 33 + "🇪🇸", "🇫🇷🇵🇹🇮🇹"]),
    "an accent": ("x" * 35 + "e\u0301" + "y" * 10, ["x" * 35, "e\u0301" + "y" * 10]),
    "a skin tone": ("x" * 35 + "👍🏽" + "y" * 10, ["x" * 35, "👍🏽" + "y" * 10]),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_text_is_cut(name):
    text, parts = CUTS[name]
    assert split(text, 40) == parts


def test_a_cut_between_sentences_saves_a_part():
    text = "\n\n".join(["Una frase de relleno aquí. " * 2] * 3).strip()
    assert len(split(text, 88)) == 2
