"""Secrets at rest: sealed on disk, bound to their row, and never silently wrong."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as database

from tests.conftest import connect
from whatsapp.fields import CannotUnseal, key_ring, seal, unseal
from whatsapp.models import WhatsappConnection

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()


def stored(column: str) -> str:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM whatsapp_whatsappconnection")  # noqa: S608
        value: str = cursor.fetchone()[0]
    return value


def test_token_and_pin_are_sealed_on_disk_and_plain_to_the_code(connection):
    read = WhatsappConnection.objects.get()
    assert read.pin == "424242"
    assert read.access_token.startswith("EAA")
    assert stored("access_token").startswith("v1.")
    assert "424242" not in stored("pin")


def test_saving_what_was_not_read_keeps_it(connection):
    read = WhatsappConnection.objects.get()
    read.save()
    assert WhatsappConnection.objects.get().pin == "424242"


def test_a_secret_of_another_row_does_not_open(tenant, meta):
    mine, other = connect(tenant, meta, 0), connect(tenant, meta, 1)
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE whatsapp_whatsappconnection SET pin = (SELECT pin FROM whatsapp_whatsappconnection WHERE id = %s)"
            " WHERE id = %s",
            [other.pk, mine.pk],
        )
    with pytest.raises(CannotUnseal):
        _ = WhatsappConnection.objects.get(pk=mine.pk).pin


def test_a_new_key_seals_and_the_old_one_still_opens(settings):
    settings.ENCRYPTION_KEYS = [f"old:{KEY}"]
    sealed = seal("secret", "place")
    settings.ENCRYPTION_KEYS = [f"new:{OTHER_KEY}", f"old:{KEY}"]
    assert unseal(sealed, "place") == "secret"
    assert seal("secret", "place").startswith("v1.new.")
    settings.ENCRYPTION_KEYS = [f"new:{OTHER_KEY}"]
    with pytest.raises(CannotUnseal, match="old"):
        unseal(sealed, "place")


def test_a_bulk_update_cannot_write_a_plain_secret(connection):
    with pytest.raises(TypeError, match="save"):
        WhatsappConnection.objects.update(pin="111111")


def test_a_loaded_secret_shows_nothing_of_itself(connection):
    read = WhatsappConnection.objects.get()
    assert repr(read.__dict__["access_token"]) == "<sealed>"
    assert "EAA" not in repr(read.__dict__)


@pytest.mark.parametrize("keys", [[], ["k1:short"], ["k1:%%%"], [f":{KEY}"]])
def test_a_wrong_key_ring_is_named(settings, keys):
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        key_ring()
