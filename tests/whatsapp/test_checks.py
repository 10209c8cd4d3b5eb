"""What is missing in the settings is said at the start, by name."""

import pytest
from django.core.checks import run_checks


def ids() -> set[str | None]:
    return {message.id for message in run_checks(include_deployment_checks=True)}


def test_complete_settings_raise_nothing_of_ours():
    assert not [found for found in ids() if str(found).startswith("whatsapp.")]


@pytest.mark.parametrize("name", ["META_APP_SECRET", "META_REDIRECT_URI", "META_WEBHOOK_VERIFY_TOKEN"])
def test_a_missing_setting_is_named(settings, name):
    setattr(settings, name, "")
    assert [message for message in run_checks() if message.id == "whatsapp.E001" and name in message.msg]


def test_an_empty_key_ring_is_an_error(settings):
    settings.ENCRYPTION_KEYS = []
    assert "whatsapp.E002" in ids()


def test_speaking_to_meta_in_the_clear_is_a_warning(settings):
    settings.META_GRAPH_API_URL = "http://graph.example"
    assert "whatsapp.W001" in ids()
