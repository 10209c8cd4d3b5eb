"""Every type of message becomes a Content: the words, what there is beside them, and the media."""

import pytest

from tests.conftest import parsed
from whatsapp.payloads import Content, InboundMessage, MediaReference, Skipped

SHA256 = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
CHOICE = {"id": "", "title": "", "description": ""}
FLOW = {"kind": "nfm_reply", **CHOICE}
PLACE = {"name": "", "address": "", "url": ""}
UNKNOWN = {"code": 131051, "title": "Message type unknown"}

CONTENTS = {
    "text": Content("text", "Hola 😀"),
    "image": Content("image", "¿Tenéis esta mesa?", {}, MediaReference("900000000000001", "image/jpeg", SHA256)),
    "image_with_errors": Content(
        "image",
        details={
            "errors": [
                {"code": 131052, "title": "Media download error", "details": "Failed to download media."},
            ]
        },
        media=MediaReference("900000000000002", "image/jpeg", SHA256),
    ),
    "video": Content("video", "El local", {}, MediaReference("900000000000003", "video/mp4", SHA256)),
    "audio": Content("audio", "", {"voice": False}, MediaReference("900000000000004", "audio/mpeg", SHA256)),
    "voice_note": Content(
        "audio", "", {"voice": True}, MediaReference("900000000000005", "audio/ogg; codecs=opus", SHA256)
    ),
    "document": Content(
        "document",
        "La factura",
        {},
        MediaReference("900000000000006", "application/pdf", SHA256, "Factura de café [1].pdf"),
    ),
    "sticker": Content("sticker", "", {"animated": True}, MediaReference("900000000000007", "image/webp", SHA256)),
    "location": Content(
        "location",
        details={
            "latitude": 40.4168,
            "longitude": -3.7038,
            "name": "Café Alameda",
            "address": "Calle Mayor 1",
            "url": "https://cafe-alameda.example/",
        },
    ),
    "location_in_text": Content("location", details={"latitude": 40.4168, "longitude": None, **PLACE}),
    "location_without_type": Content("location", details={"latitude": 40.4168, "longitude": -3.7038, **PLACE}),
    "contacts": Content(
        "contacts",
        details={
            "contacts": [
                {
                    "name": "Ana Gil",
                    "phones": [{"phone": "+34 600 00 02 01", "wa_id": "34600000201"}],
                    "emails": ["ana@flores.example"],
                    "organization": "Flores Gil",
                },
                {"name": "Leo", "phones": [], "emails": [], "organization": ""},
            ],
            "origin": "",
        },
    ),
    "contacts_asked_for": Content(
        "contacts",
        details={
            "contacts": [
                {
                    "name": "Mia Krause",
                    "phones": [{"phone": "+4915100000202", "wa_id": "4915100000202"}],
                    "emails": [],
                    "organization": "",
                }
            ],
            "origin": "contact_request",
        },
    ),
    "button_reply": Content(
        "interactive",
        "Cancelar",
        {"kind": "button_reply", "id": "cancel", "title": "Cancelar", "description": "", "response": {}},
        refers_to="wamid.QUESTION",
    ),
    "list_reply": Content(
        "interactive",
        "Mesa para 4",
        {
            "kind": "list_reply",
            "id": "table-4",
            "title": "Mesa para 4",
            "description": "Junto a la ventana",
            "response": {},
        },
        refers_to="wamid.QUESTION",
    ),
    "flow_reply": Content(
        "interactive", "", {**FLOW, "response": {"guests": 4, "note": "ventana"}}, refers_to="wamid.QUESTION"
    ),
    "flow_reply_object": Content("interactive", "", {**FLOW, "response": {"guests": 4}}, refers_to="wamid.QUESTION"),
    "flow_reply_list": Content(
        "interactive", "", {**FLOW, "response": {"value": ["ventana", 4]}}, refers_to="wamid.QUESTION"
    ),
    "flow_reply_broken": Content(
        "interactive", "", {**FLOW, "response": {"value": '{"guests":'}}, refers_to="wamid.QUESTION"
    ),
    "call_permission": Content(
        "interactive",
        "",
        {
            "kind": "call_permission_reply",
            **CHOICE,
            "response": {"response": "accept", "expiration_timestamp": "1796004800"},
        },
        refers_to="wamid.QUESTION",
    ),
    "template_button": Content("button", "Confirmar", {"payload": "confirm-17"}, refers_to="wamid.QUESTION"),
    "reaction": Content("reaction", "👍", {"emoji": "👍"}, refers_to="wamid.OUT"),
    "reaction_removed": Content("reaction", "", {"emoji": ""}, refers_to="wamid.OUT"),
    "reaction_emptied": Content("reaction", "", {"emoji": ""}, refers_to="wamid.OUT"),
    "order": Content(
        "order",
        "Para las ocho",
        {
            "catalog_id": "601700000000001",
            "items": [
                {"product_retailer_id": "tarta-1", "quantity": 2, "price": 30.0, "currency": "EUR"},
                {"product_retailer_id": "pan-7", "quantity": 1, "price": 2.5, "currency": "EUR"},
            ],
        },
    ),
    "reply": Content("text", "A las nueve", refers_to="wamid.QUESTION"),
    "reply_to_nothing": Content("text", "¿Y mañana?"),
    "product_question": Content(
        "text",
        "¿Queda alguna?",
        {"context": {"product": {"catalog_id": "601700000000001", "product_retailer_id": "tarta-1"}}},
        refers_to="wamid.QUESTION",
    ),
    "ad_referral": Content(
        "text",
        "Quiero la de calabaza",
        {
            "referral": {
                "source_url": "https://fb.me/tarta",
                "source_id": "701700000000001",
                "source_type": "ad",
                "headline": "Tartas de otoño",
                "body": "Pide la tuya",
                "media_type": "image",
                "image_url": "https://scontent.example/tarta.jpg",
                "ctwa_clid": "Aff-n8",
                "welcome": "¡Hola! ¿Qué tarta quieres?",
            }
        },
    ),
    "edit": Content("edit", "Hola, buenos días", {"type": "text"}, refers_to="wamid.TEXT"),
    "edit_image": Content(
        "edit",
        "La otra mesa",
        {"type": "image"},
        MediaReference("900000000000008", "image/jpeg", SHA256),
        refers_to="wamid.IMAGE",
    ),
    "revoke": Content("revoke", refers_to="wamid.TEXT"),
    "changed_identity": Content(
        "system",
        "The security code changed",
        {"kind": "customer_identity_changed", "wa_id": "", "user_id": "", "previous_user_id": ""},
    ),
}

# What neither Meta nor we can show, or what has lost its content: kept whole.
UNSUPPORTED = {
    "unsupported": ("unsupported", [{**UNKNOWN, "details": "Message type is currently not supported."}]),
    "poll": ("poll_creation", [{**UNKNOWN, "details": "Message type unknown"}]),
    "hologram": ("hologram", []),
    "text_without_text": ("text", []),
    "image_without_id": ("image", []),
    "interactive_without_object": (
        "interactive",
        [{"code": 131000, "title": "Something went wrong", "details": "The reply could not be read."}],
    ),
}


def said(name: str) -> list[InboundMessage]:
    return [item for item in parsed(name) if isinstance(item, InboundMessage)]


@pytest.mark.parametrize("name", CONTENTS)
def test_what_a_message_says(name):
    [message] = said(name)
    assert message.content == CONTENTS[name]


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_cannot_be_shown_is_named_and_kept_whole(name):
    kind, errors = UNSUPPORTED[name]
    [message] = said(name)
    assert (message.content.type, message.content.text) == ("unsupported", "")
    assert message.content.details == {"kind": kind, "errors": errors, "raw": message.raw}


def test_the_errors_of_a_reply_without_its_object_are_counted_too():
    assert Skipped("errors of the number") in parsed("interactive_without_object")


def test_a_forwarded_message_says_so_and_how_often():
    assert [message.content.details for message in said("forwarded")] == [
        {"context": {"forwarded": True}},
        {"context": {"frequently_forwarded": True}},
    ]


def test_what_is_too_long_is_cut_when_it_is_shown_and_given_up_when_it_identifies():
    *skipped, media, name = parsed("too_long")
    assert skipped == [
        Skipped("message without a usable id"),
        Skipped("message without a known sender"),
        Skipped("message without a known sender"),
    ]
    assert isinstance(media, InboundMessage)
    assert (media.content.type, media.content.details["kind"], media.content.media) == ("unsupported", "image", None)
    assert isinstance(name, InboundMessage)
    assert name.content.media == MediaReference("900000000000012", "m" * 100, "", "x" * 251 + ".pdf")
