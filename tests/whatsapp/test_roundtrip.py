"""The round trip of a test message, through the tenant's API and Meta's webhooks."""

import pytest

from whatsapp import health
from whatsapp.models import WhatsappConnection

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(api):
    def ask(connection: WhatsappConnection, what: str, **body: str):
        """The tenant asks for something to be done."""
        url = f"/v1/whatsapp/connections/{connection.pk}/{what}"
        return api(connection.tenant).post(url, body, content_type="application/json")

    return ask


def test_a_test_message_goes_there_and_its_statuses_come_back(connection, meta, ask, deliver):
    assert ask(connection, "test-message", to="+34600000101").status_code == 200
    [sent] = meta.sent
    for body in meta.status_updates(sent.wamid):
        assert deliver(body) == 200
    connection.refresh_from_db()
    assert connection.test_status == "read"
    assert [finding.code for finding in health.findings_of(connection)] == ["test_ok"]


def test_a_status_that_comes_late_moves_nothing_backwards(connection, meta, ask, deliver):
    ask(connection, "test-message", to="+34600000101")
    for status in ("read", "sent"):
        deliver(meta.status_update(meta.sent[0].wamid, status))
    connection.refresh_from_db()
    assert connection.test_status == "read"


def test_a_test_message_that_fails_says_why_also_after_the_next_check(connection, meta, ask, deliver):
    ask(connection, "test-message", to="+34600000101")
    deliver(meta.failed_update(meta.sent[0].wamid, 131047))
    ask(connection, "check")
    [finding] = [f for f in health.findings_of(WhatsappConnection.objects.get()) if f.check == "test_message"]
    assert (finding.state, finding.detail) == ("bad", "(131047) Re-engagement message")


@pytest.mark.parametrize(
    ("failure", "status"), [(131026, "failed"), ("timeout_after_accept", "unknown"), (190, "failed"), (2, "failed")]
)
def test_a_test_message_that_meta_refuses_is_a_finding_and_no_error(failure, status, connection, meta, ask):
    meta.fail_next(failure, method_path_regex="send_text")
    assert ask(connection, "test-message", to="+34600000101").status_code == 200
    connection.refresh_from_db()
    assert (connection.test_status, connection.status) == (status, "RECONNECT" if failure == 190 else "CONNECTED")


@pytest.mark.parametrize("to", ["", "34600000101", "+0600000101", "+34 600", "+" + "1" * 16, "+٣٤٦٠٠٠٠٠١٠١"])
def test_only_a_phone_in_e164_is_written_to(to, connection, meta, ask):
    assert ask(connection, "test-message", to=to).status_code == 400
    assert not meta.sent


def test_without_access_no_test_message_is_sent(connection, ask):
    connection.access_token = ""
    connection.save()
    assert ask(connection, "test-message", to="+34600000101").status_code == 409
