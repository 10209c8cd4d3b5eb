"""Templates that the make-believe Meta does not send: each refused with the code and the words that Meta has for it."""

from typing import Any

import pytest

from tests.whatsapp.test_sandbox import Ask, ask, meta
from tests.whatsapp.test_sandbox_templates import ORDER, SUFFIX, part, refused, send, template, word
from whatsapp.sandbox.meta import Meta

__all__ = ["ask", "meta"]  # fixtures
NUMBERS = "number of localizable_params ({}) does not match the expected number of params ({})"


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        (template("nothing"), (404, 132001, "template name (nothing) does not exist in es")),
        (template("booking_reminder", language="en_US"), (404, 132001, "template name (booking_reminder)")),
        (template("feedback_request", language="en_US"), (404, 132001, "template name (feedback_request)")),
        (template("win_a_prize"), (404, 132001, "template name (win_a_prize)")),
        (template("payment_reminder"), (400, 132015, "template name (payment_reminder)")),
        (template("booking_reminder"), (400, 132000, "body: " + NUMBERS.format(0, 2))),
        (template("booking_reminder", part("body", word("a"))), (400, 132000, "body: " + NUMBERS.format(1, 2))),
        (template("hello_again", part("body", word("a"))), (400, 132000, "body: " + NUMBERS.format(1, 0))),
        (template("hello_again", part("header", word("a"))), (400, 132000, "header: " + NUMBERS.format(1, 0))),
        (template("season_news", part("body", word("a"))), (400, 132000, "header: " + NUMBERS.format(0, 1))),
        (
            template("season_news", part("header", word("a"))),
            (400, 132012, "header: Format mismatch, expected IMAGE, received TEXT"),
        ),
        (
            template("season_news", part("header", {"type": "image", "image": {"link": "http://a.example"}})),
            (400, 131008, "header: image needs an id"),
        ),
        (
            template("booking_reminder", part("body", word("a"), word(""))),
            (400, 131008, "Parameter of type text is missing text value"),
        ),
        (template("booking_reminder", part("body", word("a"), word("b\nc"))), (400, 132018, "body: Param text cannot")),
        (template("booking_reminder", part("body", word("a"), word("b" * 1024))), (400, 132005, "body: the text has")),
        (
            template("booking_reminder", part("body", word("a"), {"type": "image"})),
            (400, 132012, "body: Format mismatch, expected TEXT, received IMAGE"),
        ),
        (template("order_update", *ORDER[:2], language="en_US"), (400, 131008, "buttons: Button at index 0 of type")),
        (
            template("order_update", ORDER[0], part("body", word("a"), word("b")), SUFFIX, language="en_US"),
            (400, 100, "Parameter name is missing or empty"),
        ),
        (
            template("order_update", part("header", word("a", "colour")), *ORDER[1:], language="en_US"),
            (400, 100, "header: the template has no parameter 'colour'"),
        ),
        (
            template(
                "order_update",
                ORDER[0],
                part("body", word("a", "delivery_day"), word("b", "delivery_day")),
                SUFFIX,
                language="en_US",
            ),
            (400, 100, "body: a parameter_name is there twice"),
        ),
        (template("hello_again", part("footer")), (400, 131009, "A component of a template has one of")),
        (template("hello_again", "body"), (400, 131009, "A component of a template has one of")),
        (template("hello_again", part("body"), part("BODY")), (400, 131009, "The component body is there twice")),
        (template("hello_again", part("button")), (400, 131008, "A component of the type button needs")),
        (
            template("hello_again", part("button", sub_type="quick_reply", index="first")),
            (400, 131009, "The index of a button is a number"),
        ),
        (
            template("hello_again", part("button", sub_type="quick_reply", index=2)),
            (400, 131009, "buttons: the template has no button at index 2"),
        ),
        (
            template("hello_again", part("button", sub_type="url", index=0)),
            (400, 131009, "buttons: Button at index 0 is of type QUICK_REPLY and not URL"),
        ),
        (
            template("hello_again", part("button", {"type": "payload"}, sub_type="quick_reply", index=0)),
            (400, 131008, "buttons: Button at index 0 is missing its payload"),
        ),
        (template("hello_again", {"type": "body", "parameters": "a"}), (400, 131009, "body: parameters must be")),
        (template("hello_again", components={"type": "body"}), (400, 131009, "template['components'] must be")),
        (template(""), (400, 131008, "Parameter 'template.name' is required")),
        (template("hello_again", language=""), (400, 131008, "Parameter 'template.language.code'")),
        (template("hello_again") | {"template": "hello_again"}, (400, 131008, "Parameter 'template' is required")),
        (template("hello_again") | {"to": ""}, (400, 131008, "Parameter 'to' or 'recipient' is required")),
    ],
)
def test_a_template_that_does_not_fit_is_refused(
    ask: Ask, meta: Meta, message: dict[str, Any], refusal: tuple[int, int, str]
) -> None:
    status, code, details = refused(send(ask, message))
    assert (status, code, details[: len(refusal[2])]) == refusal
    assert not meta.sent
