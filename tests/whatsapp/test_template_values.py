"""What a template wants, whether values fit, what Meta is given for them, and how the message reads then."""

from typing import Any

import pytest
from django.utils.translation import override

from tests.templates import BOOKING, GREETING
from whatsapp.templates import Unfitting, example_of, fill, parts_of, strange_parts, wants_of

Components = list[dict[str, Any]]
NAMED: Components = [
    {
        "type": "BODY",
        "text": "Hola {{name}}, su código es {{code}}. Gracias, {{name}}.",
        "example": {"body_text_named_params": [{"param_name": "name", "example": "Ana"}]},
    }
]
VALUES = {"header": "17", "body": ["Ana", "12 de mayo"], "buttons": ["9"]}


def media(format_: str) -> Components:
    return [{"type": "HEADER", "format": format_}, {"type": "BODY", "text": "Mire"}]


def buttons(*described: dict[str, Any]) -> Components:
    return [{"type": "BODY", "text": "Mire"}, {"type": "BUTTONS", "buttons": list(described)}]


def errors_of(components: Components, *, is_named: bool = False, **values: object) -> dict[str, list[str]]:
    with override("en"), pytest.raises(Unfitting) as raised:
        fill(components, is_named=is_named, values=values)
    return raised.value.errors


def test_what_a_template_wants_is_read_from_its_components():
    wants = [(want.place, want.kind, want.name, want.example) for want in wants_of(BOOKING)]
    assert wants == [
        ("header", "text", "1", "17"),
        ("body", "text", "1", "Ana"),
        ("body", "text", "2", "12 de mayo"),
        ("buttons", "url", "Ver", "9"),
    ]
    assert example_of(wants_of(BOOKING), is_named=False) == VALUES


def test_names_are_wanted_once_each():
    assert [want.name for want in wants_of(NAMED)] == ["name", "code"]
    assert example_of(wants_of(NAMED), is_named=True) == {"body": {"name": "Ana", "code": "…"}}


def test_numbers_are_wanted_in_their_order_wherever_they_stand():
    assert [want.name for want in wants_of([{"type": "BODY", "text": "{{2}} {{1}} {{10}}"}])] == ["1", "2", "10"]


def test_what_is_given_to_meta():
    assert fill(BOOKING, is_named=False, values=VALUES).components == [
        {"type": "header", "parameters": [{"type": "text", "text": "17"}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "12 de mayo"}]},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "9"}]},
    ]
    assert fill(GREETING, is_named=False, values={}).components == []


def test_names_are_given_to_meta():
    filled = fill(NAMED, is_named=True, values={"body": {"code": "4711", "name": "Ana"}})
    assert filled.components[0]["parameters"] == [
        {"type": "text", "parameter_name": "name", "text": "Ana"},
        {"type": "text", "parameter_name": "code", "text": "4711"},
    ]
    assert filled.words == "Hola Ana, su código es 4711. Gracias, Ana."


def test_the_words_are_those_that_the_customer_reads():
    words = fill(BOOKING, is_named=False, values=VALUES).words
    assert words == "Reserva 17\nHola Ana, le esperamos el 12 de mayo.\nCafé Alameda\n▸ Confirmar\n▸ Ver"


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is():
    words = fill(BOOKING, is_named=False, values=VALUES | {"body": ["{{2}}", "\\1"]}).words
    assert "Hola {{2}}, le esperamos el \\1." in words


@pytest.mark.parametrize(
    ("format_", "parameter"),
    [
        ("IMAGE", {"type": "image", "image": {"link": "https://example.com/a%20b.pdf"}}),
        ("VIDEO", {"type": "video", "video": {"link": "https://example.com/a%20b.pdf"}}),
        (
            "DOCUMENT",
            {"type": "document", "document": {"link": "https://example.com/a%20b.pdf", "filename": "a b.pdf"}},
        ),
    ],
)
def test_media_are_given_by_their_address(format_, parameter):
    filled = fill(media(format_), is_named=False, values={"header": "https://example.com/a%20b.pdf"})
    assert filled.components == [{"type": "header", "parameters": [parameter]}]
    assert filled.words == "https://example.com/a%20b.pdf\nMire"


@pytest.mark.parametrize(
    ("button", "component"),
    [
        (
            {"type": "COPY_CODE", "text": "Copiar", "example": "25OFF"},
            {"sub_type": "copy_code", "parameters": [{"type": "coupon_code", "coupon_code": "X"}]},
        ),
        (
            {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copiar"},
            {"sub_type": "url", "parameters": [{"type": "text", "text": "X"}]},
        ),
        (
            {"type": "URL", "text": "Copiar", "url": "https://www.whatsapp.com/otp/code/?code=otp{{1}}"},
            {"sub_type": "url", "parameters": [{"type": "text", "text": "X"}]},
        ),
    ],
)
def test_a_button_that_wants_a_value_gets_it(button, component):
    filled = fill(buttons(button), is_named=False, values={"buttons": ["X"]})
    assert filled.components == [{"type": "button", "index": "0", **component}]


def test_a_button_with_a_fixed_address_wants_nothing():
    assert wants_of(buttons({"type": "URL", "text": "Ver", "url": "https://example.com"})) == []


@pytest.mark.parametrize(
    ("given", "place", "told"),
    [
        ({"body": ["Ana"]}, "body", "Values are missing: {{2}}. 2 wanted."),
        ({"body": None}, "body", "Values are missing: {{1}}, {{2}}. 2 wanted."),
        ({"body": ["a", "b", "c"]}, "body", "Too many values: 2 wanted, 3 given."),
        ({"body": {"1": "a", "2": "b"}}, "body", "The values of this template have no names: give a list."),
        ({"body": ["Ana", 12]}, "body", "Every value is a text."),
        ({"body": ["Ana", " "]}, "body", "{{2}}: A value must not be empty."),
        ({"body": ["Ana\nRuiz", "x"]}, "body", "{{1}}: Meta takes no line breaks"),
        ({"body": ["Ana     Ruiz", "x"]}, "body", "{{1}}: Meta takes no line breaks"),
        ({"header": None}, "header", "Values are missing: {{1}}. 1 wanted."),
        ({"header": ""}, "header", "{{1}}: A value must not be empty."),
        ({"buttons": []}, "buttons", "Values are missing: Ver. 1 wanted."),
        ({"buttons": ["1", "2"]}, "buttons", "Too many values: 1 wanted, 2 given."),
    ],
)
def test_values_that_do_not_fit_are_named(given, place, told):
    errors = errors_of(BOOKING, **(VALUES | given))
    assert list(errors) == [place]
    assert told in errors[place][0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["Ana", "4711"], "The values of this template have names: give an object."),
        ({"name": "Ana"}, "Values are missing: {{code}}. 2 wanted."),
        ({"name": "Ana", "code": "1", "more": "x", "also": "y"}, "Not wanted: also, more."),
        ({"name": "Ana", "code": 1}, "Every value is a text."),
    ],
)
def test_names_that_do_not_fit_are_named(given, told):
    assert errors_of(NAMED, is_named=True, body=given) == {"body": [told]}


def test_everything_that_does_not_fit_is_told_at_once():
    assert list(errors_of(BOOKING)) == ["header", "body", "buttons"]


@pytest.mark.parametrize("link", ["", "photo.jpg", "ftp://example.com/a", "javascript:alert(1)", "https://"])
def test_media_want_a_whole_address(link):
    assert list(errors_of(media("IMAGE"), header=link)) == ["header"]


def test_values_for_a_template_that_wants_none_are_too_many():
    errors = errors_of(GREETING, header="x", body=["x"], buttons=["x"])
    told = ["Too many values: 0 wanted, 1 given."]
    assert errors == {"header": told, "body": told, "buttons": told}


@pytest.mark.parametrize(
    ("components", "strange"),
    [
        (BOOKING, []),
        ([{"type": "CAROUSEL", "cards": []}], ["CAROUSEL"]),
        ([{"type": "LIMITED_TIME_OFFER"}], ["LIMITED_TIME_OFFER"]),
        (media("LOCATION"), ["HEADER LOCATION"]),
        (buttons({"type": "FLOW", "text": "Rellenar"}), ["FLOW"]),
    ],
)
def test_what_cannot_be_filled_in_here_is_named(components, strange):
    assert strange_parts(components) == strange


@pytest.mark.parametrize("odd", [{}, {"type": None}, {"type": "BUTTONS", "buttons": "x"}, {"type": "BODY", "text": 7}])
def test_odd_components_break_nothing(odd):
    odd_example = {"type": "HEADER", "text": "{{1}}", "example": {"header_text": "x"}}
    assert len(wants_of([odd, odd_example])) == 1
    assert all(isinstance(part.words, str) for part in parts_of([odd, odd_example]))
