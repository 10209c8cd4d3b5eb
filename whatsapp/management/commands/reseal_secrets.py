"""`manage.py reseal_secrets`: after a new first key in ENCRYPTION_KEYS, seals everything under it.

When it has run to its end, the old key can be taken out. Harmless to stop and to run again.
"""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from whatsapp.fields import VERSION, CannotUnseal, EncryptedTextField, Sealed, key_ring

BATCH = 200


class Command(BaseCommand):
    help = "Seals every secret at rest under the first of ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        lost = 0
        for model in apps.get_models():
            for field in model._meta.get_fields():
                if isinstance(field, EncryptedTextField):
                    resealed, unopened = reseal(model, field)
                    lost += unopened
                    self.stdout.write(f"{model._meta.label}.{field.name}: {resealed} resealed, {unopened} not opened")
        if lost:
            raise CommandError(f"{lost} could not be opened: keep the old keys in ENCRYPTION_KEYS.")


def reseal(model: type[models.Model], field: EncryptedTextField) -> tuple[int, int]:
    """How many were sealed anew, and how many could not be opened."""
    first_key = Sealed(f"{VERSION}.{next(iter(key_ring()))}.")
    old = model._default_manager.exclude(**{field.name: ""}).exclude(**{f"{field.name}__startswith": first_key})
    resealed = unopened = 0
    last: Any = None
    while True:
        with transaction.atomic():
            rows = old if last is None else old.filter(pk__gt=last)
            batch = list(rows.select_for_update(no_key=True).order_by("pk")[:BATCH])
            done = sum(_reseal_row(row, field.name) for row in batch)
        if not batch:
            return resealed, unopened
        resealed, unopened, last = resealed + done, unopened + len(batch) - done, batch[-1].pk


def _reseal_row(row: models.Model, name: str) -> bool:
    try:
        setattr(row, name, getattr(row, name))
    except CannotUnseal:
        return False
    row.save(update_fields=[name])
    return True
