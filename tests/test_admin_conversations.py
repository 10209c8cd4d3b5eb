"""What staff see of a conversation, through the URLs: the chat, with every type of message and its media."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from agent.models import SystemPrompt
from conversations.admin import transcript
from conversations.models import (
    Attachment,
    Conversation,
    MediaFile,
    Message,
    WebhookEvent,
    media_storage,
)
from tests.test_admin import (  # noqa: F401  (fixtures are found by their names)
    LISTS,
    answer,
    attach,
    change,
    furnishing,
    one_talk,
    page,
    say,
)
from whatsapp.models import GraphExchange

TYPES = ["image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "button", "order"]
TYPES += ["unsupported", "made_up"]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def said_at(message: Message, at: datetime) -> Message:
    Message.objects.filter(pk=message.pk).update(said_at=at)
    return message


def words(html: str) -> str:
    """What one reads of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_transcript_shows_words_as_words_and_why_a_message_failed(admin_client, talk):
    say(talk, "<script>alert(1)</script>")
    answer(talk, "Adiós", "failed", error_code=131047, error="More than 24 hours have passed")
    html = page(admin_client, change(talk))
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html
    assert "code 131047" in html
    assert "More than 24 hours have passed" in html


def test_a_transcript_leads_to_the_prompt_and_to_the_event(admin_client, talk):
    html = page(admin_client, change(talk))
    assert change(SystemPrompt.objects.get()) in html
    assert change(WebhookEvent.objects.get()) in html


def test_a_message_leads_to_its_exchanges_with_meta(admin_client, talk):
    said = Message.objects.get(direction="outbound")
    about, another = GraphExchange.objects.get(message_id=said.pk), GraphExchange.objects.get(message_id=None)
    for path in [change(talk), change(said)]:
        html = page(admin_client, path)
        assert change(about) in html
        assert change(another) not in html
    assert change(said) in page(admin_client, change(about))


def leaf(html: str, name: str) -> dict[str, str]:
    """The query of the link to older or newer messages."""
    [(key, place)] = re.findall(rf'href="\?([a-z]+)=([0-9.]+)">{name}<', html)
    return {key: place}


def test_a_long_transcript_is_read_page_by_page(admin_client, talk, monkeypatch):
    monkeypatch.setattr(transcript, "MESSAGES_PER_PAGE", 3)
    Message.objects.all().delete()
    for number in range(7):
        said_at(say(talk, f"words {number}."), NOON + timedelta(microseconds=number // 2))
    newest = page(admin_client, change(talk))
    assert re.findall(r"words \d", newest) == ["words 4", "words 5", "words 6"]
    assert "Newer<" not in newest
    older = page(admin_client, change(talk), **leaf(newest, "Older"))
    assert re.findall(r"words \d", older) == ["words 1", "words 2", "words 3"]
    oldest = page(admin_client, change(talk), **leaf(older, "Older"))
    assert re.findall(r"words \d", oldest) == ["words 0"]
    assert "Older<" not in oldest
    newer = page(admin_client, change(talk), **leaf(oldest, "Newer"))
    assert re.findall(r"words \d", newer) == ["words 1", "words 2", "words 3"]


def test_a_transcript_stands_as_it_was_said(admin_client, talk):
    late = said_at(say(talk, "came last"), NOON)
    html = page(admin_client, change(talk))
    assert html.index("came last") < html.index("Hola")
    assert "Sunday, 1 November 2026" in html
    assert f'id="m{late.sequence}"' in html


@pytest.mark.parametrize("query", ["before", "after"])
@pytest.mark.parametrize("place", ["x", "-1", "9" * 30, "0", "9999999999999999.1", "0.0", "1.²"])
def test_a_made_up_place_in_a_transcript_is_harmless(admin_client, talk, query, place):
    page(admin_client, change(talk), **{query: place})


# ── What each message is ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def quoted(talk) -> Message:
    return answer(talk, "At eight or at nine?", wamid="wamid.Q")


def test_a_reply_shows_what_it_quotes_and_leads_to_it(admin_client, talk, quoted):
    say(talk, "At nine", refers_to="wamid.Q")
    html = page(admin_client, change(talk))
    assert "Agent At eight or at nine? At nine" in words(html)
    assert f'href="#m{quoted.sequence}"' in html


def test_what_is_quoted_from_another_page_is_quoted_too(admin_client, talk, quoted, monkeypatch):
    monkeypatch.setattr(transcript, "MESSAGES_PER_PAGE", 1)
    say(talk, "At nine", refers_to="wamid.Q")
    html = page(admin_client, change(talk))
    assert "At eight or at nine?" in html
    assert f'href="#m{quoted.sequence}"' not in html


def test_what_is_quoted_and_unknown_is_said_to_be_so(admin_client, talk):
    say(talk, "That one", refers_to="wamid.unknown")
    assert "a message that we do not have" in page(admin_client, change(talk))


def test_what_another_customer_said_is_never_quoted(admin_client, furnish):
    one, two = furnish(1), furnish(2)
    say(two, "a secret of Café 2", wamid="wamid.two")
    say(one, "Hm", refers_to="wamid.two")
    assert "a secret" not in page(admin_client, change(one))


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("reaction", "👍", "Customer reacted with 👍 At eight or at nine?"),
        ("reaction", "", "Customer took back the reaction At eight or at nine?"),
        ("edit", "At ten", "Customer edited: At ten"),
        ("revoke", "", "Customer deleted a message At eight or at nine?"),
    ],
)
def test_what_is_said_about_a_message_is_a_line_that_names_it(admin_client, talk, quoted, kind, text, told):
    say(talk, text, type=kind, refers_to="wamid.Q")
    assert told in words(page(admin_client, change(talk)))


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"author": "business"}, "Written in the WhatsApp Business app"),
        ({"content": {"context": {"forwarded": True}}}, "Forwarded"),
        ({"content": {"context": {"frequently_forwarded": True}}}, "Forwarded many times"),
        ({"edited_at": NOON}, "(edited later)"),
        ({"revoked_at": NOON}, "deleted this message"),
        ({"said_at": NOON}, "Imported"),
    ],
)
def test_a_message_says_how_it_came_about(admin_client, talk, fields, mark):
    assert mark not in page(admin_client, change(talk))
    Message.objects.filter(text="Hola").update(**fields)
    assert mark in page(admin_client, change(talk))


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_message_is_on_the_page_and_harms_nothing(admin_client, talk, kind):
    message = say(talk, "<b>words</b>", type=kind, content={"kind": "<script>", "raw": {"a": "<script>"}})
    for path in [change(talk), change(message), LISTS["messages"], LISTS["conversations"]]:
        html = page(admin_client, path)
        assert "<b>words" not in html
        assert "<script>" not in html


def stored(message: Message, mime_type: str, **fields: object) -> Attachment:
    name = media_storage().save(str(message.pk), ContentFile(b"1234"))
    file = MediaFile.objects.create(tenant=message.tenant, sha256="x", mime_type=mime_type, size=4, file=name)
    return attach(message, mime_type=mime_type, status="stored", file=file, **fields)


@pytest.mark.parametrize(
    ("mime_type", "element"),
    [
        ("image/jpeg", '<img src="{}" alt="'),
        ("video/mp4", '<video src="{}" controls'),
        ("audio/ogg", '<audio src="{}" controls'),
        ("application/zip", '<a href="{}" dir="auto">menu.zip</a>'),
    ],
)
def test_media_are_seen_and_heard_on_the_page(admin_client, client, talk, mime_type, element):
    stored(say(talk, "Our menu", type="document"), mime_type, filename="menu.zip", transcript="Two coffees")
    html = page(admin_client, change(talk))
    [url, *_more] = re.findall(r"http://testserver/v1/media/[^\"]+", html)
    assert element.format(url) in html
    assert "Our menu" in html
    assert "Two coffees" in html
    assert b"".join(client.get(url).streaming_content) == b"1234"


@pytest.mark.parametrize("status", ["pending", "refused", "gone"])
def test_media_that_are_not_here_say_why(admin_client, talk, status):
    attachment = attach(say(talk, "", type="image"), status=status, error="It has 200 MB.")
    html = page(admin_client, change(talk))
    assert str(attachment.get_status_display()) in html
    assert "It has 200 MB." in html
    assert "/v1/media/" not in html


def test_staff_see_who_is_silent_and_whether_one_may_write(admin_client, talk):
    assert "Never opened" in page(admin_client, change(talk))
    now = timezone.now()
    Conversation.objects.update(agent_paused_until=now + timedelta(hours=1), window_opened_at=now)
    html = words(page(admin_client, change(talk)))
    assert "The agent is silent until" in html
    assert re.search("Closes in 23 hours", html.replace("\xa0", " "))
    Conversation.objects.update(agent_paused_until=now, window_opened_at=now - timedelta(days=2))
    html = words(page(admin_client, change(talk)))
    assert "silent until" not in html
    assert "Closed for 1 day" in html.replace("\xa0", " ")


def test_a_message_shows_its_content_and_leads_to_what_it_is_about(admin_client, talk, quoted):
    content = {"latitude": 40.4, "longitude": -3.7}
    message = say(talk, type="location", content=content, refers_to="wamid.Q", pricing={"category": "service"}, text="")
    html = page(admin_client, change(message))
    assert "&quot;latitude&quot;: 40.4" in html
    assert "&quot;category&quot;: &quot;service&quot;" in html
    assert change(quoted) in html


def test_quotes_cost_one_query_however_many(admin_client, talk, quoted, django_assert_max_num_queries):
    for number in range(20):
        answer(talk, f"No. {number}", wamid=f"wamid.{number}")
        attach(say(talk, "That one", type="image", refers_to=f"wamid.{number}"))
    with django_assert_max_num_queries(7):
        page(admin_client, change(talk))
