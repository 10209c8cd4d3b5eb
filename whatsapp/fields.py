"""Secrets at rest: a text column that is AES-256-GCM on disk and plain only in the hands of who asks for it.

Knows the key ring; not what it keeps secret. Sealed text is bound to `table.column:pk`, so that a row of one
tenant cannot be given the secret of another's.
"""

import base64
import binascii
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

VERSION = "v1"
NONCE_BYTES = 12


class Sealed(str):
    """Text as it stands in the database. Its repr says only that it is sealed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<sealed>"


class CannotUnseal(Exception):
    """The text was sealed with a key we no longer have, or for another row."""


def key_ring() -> dict[str, bytes]:
    """Key id → 32 bytes, the sealing key first. Raises ImproperlyConfigured, naming the entry that is wrong."""
    ring = {}
    for entry in settings.ENCRYPTION_KEYS:
        key_id, _colon, encoded = entry.partition(":")
        try:
            ring[key_id] = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            ring[key_id] = b""
        if not key_id or len(ring[key_id]) != 32:
            raise ImproperlyConfigured(f"ENCRYPTION_KEYS: the entry {key_id!r} is not id:base64 of 32 bytes.")
    if not ring:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty: secrets cannot be stored.")
    return ring


def seal(plain: str, place: str) -> Sealed:
    """`v1.<key id>.<nonce and ciphertext>`, bound to `place`."""
    key_id, key = next(iter(key_ring().items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, plain.encode(), place.encode())
    return Sealed(f"{VERSION}.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}")


def unseal(sealed: str, place: str) -> str:
    """The plain text. Raises CannotUnseal when the key is gone or the text belongs to another place."""
    _version, key_id, encoded = sealed.split(".", 2)
    key = key_ring().get(key_id)
    if key is None:
        raise CannotUnseal(f"{place}: sealed with key {key_id!r}, which is not in ENCRYPTION_KEYS.")
    raw = base64.urlsafe_b64decode(encoded)
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
    except InvalidTag as error:
        raise CannotUnseal(f"{place}: this text was not sealed for this place.") from error


class _Unsealing:
    """Attribute that keeps what the database gave sealed until somebody reads it."""

    def __init__(self, field: "EncryptedTextField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            instance.refresh_from_db(fields=[name])
        value = instance.__dict__[name]
        return unseal(value, self.field.place(instance)) if isinstance(value, Sealed) else value

    def __set__(self, instance: models.Model, value: str) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(_TextField):
    """Text sealed at rest. Write it with `save()`: only there is the row known that it is sealed for."""

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Unsealing(self))

    def place(self, instance: models.Model) -> str:
        return f"{instance._meta.db_table}.{self.column}:{instance.pk}"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value: str = model_instance.__dict__[self.attname]
        return value if isinstance(value, Sealed) or not value else seal(value, self.place(model_instance))

    def get_prep_value(self, value: Any) -> Any:
        if value and not isinstance(value, Sealed):
            raise TypeError(f"{self.name} can be written with save() only, and never looked up.")
        return value
