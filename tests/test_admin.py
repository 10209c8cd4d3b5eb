"""The staff site, through its URLs. Knows what staff see; how the rows came to be is told in the other tests."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agent.admin import diff
from agent.models import SystemPrompt
from conversations.models import Attachment, Conversation, Message, ParkedStatus, WebhookEvent, WhatsappUser
from tenants.models import ApiKey, Membership, Tenant
from tests.templates import BOOKING
from whatsapp.models import (
    AccountNotice,
    DataDeletionRequest,
    EmbeddedSignupSession,
    Ending,
    GraphExchange,
    MessageTemplate,
    WhatsappConnection,
)

TOKEN, PIN = "EAAsecretOfTheNumber", "135790"
LISTS = {
    "tenants": "/admin/tenants/tenant/",
    "memberships": "/admin/tenants/membership/",
    "keys": "/admin/tenants/apikey/",
    "connections": "/admin/whatsapp/whatsappconnection/",
    "signups": "/admin/whatsapp/embeddedsignupsession/",
    "exchanges": "/admin/whatsapp/graphexchange/",
    "notices": "/admin/whatsapp/accountnotice/",
    "templates": "/admin/whatsapp/messagetemplate/",
    "deletions": "/admin/whatsapp/datadeletionrequest/",
    "prompts": "/admin/agent/systemprompt/",
    "conversations": "/admin/conversations/conversation/",
    "people": "/admin/conversations/whatsappuser/",
    "attachments": "/admin/conversations/attachment/",
    "parked": "/admin/conversations/parkedstatus/",
    "messages": "/admin/conversations/message/",
    "events": "/admin/conversations/webhookevent/",
    "jobs": "/admin/procrastinate/procrastinatejob/",
}

Furnish = Callable[[int], Conversation]


@pytest.fixture(name="furnish")
def furnishing(db: None) -> Furnish:
    """A tenant with one of everything; returns its conversation, which has one message each way."""

    def furnish(number: int) -> Conversation:
        tenant = Tenant.objects.create(name=f"Café {number}", slug=f"cafe-{number}")
        user = User.objects.create(username=f"person-{number}")
        Membership.objects.create(tenant=tenant, user=user)
        key = ApiKey(tenant=tenant, name="CRM")
        key.make_secret()
        key.save()
        prompt = SystemPrompt.objects.create(tenant=tenant, text="Be kind.", created_by=user)
        prompt.activate()
        connection = WhatsappConnection.objects.create(
            tenant=tenant, phone_number_id=f"1{number}", business_account_id="2", access_token=TOKEN, pin=PIN
        )
        session, _state = EmbeddedSignupSession.begin(tenant)
        session.connection = connection
        session.access_token = TOKEN
        session.ended(Ending.NO_NUMBER, "The account has no number.")
        exchange(connection, signup=session, path="debug_token")
        notice(connection)
        add_template(connection)
        DataDeletionRequest.objects.create(confirmation_code=f"code-{number}", meta_user_id="9")
        customer = WhatsappUser.objects.create(tenant=tenant, wa_id=f"3460000{number:04}", name="Lucía")
        talk = Conversation.objects.create(tenant=tenant, connection=connection, whatsapp_user=customer)
        event = WebhookEvent.objects.create(provider_event_id=f"{number:064}", body="{}", outcome={"message": 1})
        attach(say(talk, "Hola", event=event))
        ParkedStatus.objects.create(
            tenant=tenant, connection=connection, wamid=f"wamid.{number}", status="read", at=timezone.now()
        )
        said = answer(talk, "Buenos días", system_prompt=prompt)
        exchange(connection, message_id=said.pk)
        return talk

    return furnish


@pytest.fixture(name="talk")
def one_talk(furnish: Furnish) -> Conversation:
    return furnish(1)


def say(talk: Conversation, text: str, **fields: object) -> Message:
    return talk.append(direction="inbound", status="received", text=text, **fields)


def answer(talk: Conversation, text: str, status: str = "read", **fields: object) -> Message:
    return talk.append(direction="outbound", author="agent", status=status, text=text, **fields)


def attach(message: Message, **fields: object) -> Attachment:
    told = {"media_id": "7", "mime_type": "image/jpeg", "filename": ""}
    return Attachment.objects.create(tenant=message.tenant, message=message, **{**told, **fields})


def exchange(connection: WhatsappConnection, **fields: object) -> GraphExchange:
    told = {"method": "POST", "path": "1/messages", "status": 200, "milliseconds": 7, "request": {}, "response": {}}
    return GraphExchange.objects.create(tenant=connection.tenant, connection=connection, **{**told, **fields})


def notice(connection: WhatsappConnection, event: str = "ACCOUNT_VIOLATION", **fields: object) -> AccountNotice:
    told = {"field": "account_update", "event": event, "digest": uuid4().hex, "happened_at": timezone.now()}
    return AccountNotice.objects.create(tenant=connection.tenant, connection=connection, **{**told, **fields})


def add_template(connection: WhatsappConnection, **fields: object) -> MessageTemplate:
    told = {"name": "booking", "language": "es", "status": "APPROVED", "category": "UTILITY", "components": BOOKING}
    account = {"tenant": connection.tenant, "business_account_id": connection.business_account_id}
    times = {"told_at": timezone.now(), "synced_at": timezone.now()}
    return MessageTemplate.objects.create(**{**account, **times, **told, "template_id": uuid4().hex, **fields})


def in_force(tenant: Tenant) -> int:
    return SystemPrompt.objects.get(tenant=tenant, is_active=True).version


def page(client: Client, path: str, **query: str) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def change(row: object) -> str:
    meta = row._meta  # type: ignore[attr-defined]
    return f"/admin/{meta.app_label}/{meta.model_name}/{row.pk}/change/"  # type: ignore[attr-defined]


def act(client: Client, path: str, action: str, *rows: object, confirmed: bool = False) -> str:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}  # type: ignore[attr-defined]
    if confirmed:
        data["confirmed"] = "yes"
    return client.post(path, data, follow=True).content.decode()


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_and_a_pin_are_on_no_page(admin_client, talk):
    session = EmbeddedSignupSession.objects.get()
    rows = [talk.connection, session, talk.tenant, talk, *Message.objects.all(), *GraphExchange.objects.all()]
    rows += [*DataDeletionRequest.objects.all(), *AccountNotice.objects.all()]
    paths = ["/admin/", *LISTS.values(), *map(change, rows), change(talk.connection).replace("change", "history")]
    for path in paths:
        html = page(admin_client, path)
        assert TOKEN not in html
        assert PIN not in html
        assert session.embedded_signup_state not in html


def test_a_connection_is_read_only(admin_client, talk):
    assert admin_client.post(change(talk.connection), {"access_token": "mine"}).status_code == 403
    assert admin_client.get("/admin/whatsapp/whatsappconnection/add/").status_code == 403
    assert admin_client.get(change(talk.connection).replace("change", "delete")).status_code == 403


def test_the_secret_of_a_new_key_is_shown_once_and_never_again(admin_client, talk):
    response = admin_client.post(f"{LISTS['keys']}add/", {"tenant": str(talk.tenant.pk), "name": "Shop"})
    (secret,) = re.findall(r'value="(wak_[^"]{30,})"', response.content.decode())
    assert "no-store" in response.headers["Cache-Control"]
    assert not response.cookies.get("messages")
    key = ApiKey.objects.get(name="Shop")
    assert ApiKey.find(secret) == key
    for path in [LISTS["keys"], change(key), change(key).replace("change", "history"), "/admin/"]:
        assert secret not in page(admin_client, path)
    assert not LogEntry.objects.filter(object_repr__contains=secret).exists()


def test_of_a_key_only_the_name_can_be_changed(admin_client, talk, furnish):
    key, other = ApiKey.objects.get(), furnish(2).tenant
    before = key.digest
    admin_client.post(change(key), {"name": "New name", "tenant": str(other.pk), "digest": "x", "prefix": "x"})
    key.refresh_from_db()
    assert (key.name, key.tenant, key.digest) == ("New name", talk.tenant, before)


def test_revoking_asks_first_and_names_keys_and_tenants(admin_client, talk):
    key = ApiKey.objects.get()
    question = act(admin_client, LISTS["keys"], "revoke", key)
    key.refresh_from_db()
    assert "Café 1" in question
    assert key.prefix in question
    assert key.state == "active"
    act(admin_client, LISTS["keys"], "revoke", key, confirmed=True)
    key.refresh_from_db()
    assert key.state == "revoked"
    assert LogEntry.objects.get().object_id == str(key.pk)


def test_a_revoked_key_stays(admin_client, talk):
    key = ApiKey.objects.get()
    key.revoke()
    assert "still to be revoked" in act(admin_client, LISTS["keys"], "revoke", key)
    assert admin_client.post(change(key).replace("change", "delete"), {"post": "yes"}).status_code == 403


# ── Prompts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_prompt_has_its_author_and_is_not_in_force(admin_client, admin_user, talk):
    admin_client.post(f"{LISTS['prompts']}add/", {"tenant": str(talk.tenant.pk), "text": "Be brief.", "note": ""})
    prompt = SystemPrompt.objects.get(version=2)
    assert (prompt.created_by, prompt.is_active) == (admin_user, False)


def test_a_prompt_cannot_be_edited_or_deleted(admin_client, talk):
    prompt = SystemPrompt.objects.get()
    assert admin_client.post(change(prompt), {"text": "Be rude."}).status_code == 403
    assert admin_client.post(change(prompt).replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert SystemPrompt.objects.get().text == "Be kind."


def test_activating_shows_what_changes_before_it_does(admin_client, talk):
    new = SystemPrompt.objects.create(tenant=talk.tenant, text="Be kind and brief.")
    question = act(admin_client, LISTS["prompts"], "activate", new)
    assert "v1 → v2" in question
    assert "<ins>" in question
    assert in_force(talk.tenant) == 1
    act(admin_client, LISTS["prompts"], "activate", new, confirmed=True)
    assert SystemPrompt.objects.get(is_active=True) == new


def test_two_versions_of_one_tenant_cannot_be_activated_together(admin_client, talk):
    new = [SystemPrompt.objects.create(tenant=talk.tenant, text="Hi") for _ in range(2)]
    assert "one version for each tenant" in act(admin_client, LISTS["prompts"], "activate", *new, confirmed=True)
    assert in_force(talk.tenant) == 1


def test_a_new_version_begins_with_the_words_of_another(admin_client, talk):
    form = page(admin_client, f"{LISTS['prompts']}add/", **{"from": str(SystemPrompt.objects.get().pk)})
    assert "Be kind.</textarea>" in form
    assert "Café 1" in form
    assert "</textarea>" in page(admin_client, f"{LISTS['prompts']}add/", **{"from": "nothing"})


def test_a_diff_shows_words_and_leaves_out_what_stays():
    before = "\n".join(["Open from 8", *(f"line {n}" for n in range(20)), "Bye"])
    lines = list(diff(before, before.replace("from 8", "from 9").replace("Bye", "Bye!")))
    assert [line.sign for line in lines] == ["-", "+", " ", " ", " ", "…", " ", " ", " ", "-", "+"]
    assert lines[1].parts == [("Open from ", False), ("9", True)]
    assert lines[5].left_out == 14


@pytest.mark.parametrize("before", ["", "word " * 3000])
def test_a_diff_against_nothing_or_very_much_goes_by_lines(before):
    assert list(diff(before, "Hello"))[-1].parts == [("Hello", False)]
