"""Many rows changed in one statement. Knows columns and their types; nothing of what they mean."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


def update_each(rows: Sequence[Model], *names: str) -> None:
    """Writes these fields of each row, as `bulk_update` does, with one JSON parameter instead of one per value.

    Django's own builds a CASE for every field and row: half a second for a thousand messages.
    """
    if not rows:
        return
    table, key = type(rows[0])._meta.db_table, type(rows[0])._meta.pk
    assert key is not None  # noqa: S101  (every model has one)
    fields = [type(rows[0])._meta.get_field(name) for name in names]
    columns = ", ".join(f"{field.column} {field.db_type(connection)}" for field in (key, *fields))  # type: ignore[union-attr]
    changes = ", ".join(f"{field.column} = new.{field.column}" for field in fields)  # type: ignore[union-attr]
    values = [{field.column: getattr(row, field.attname) for field in (key, *fields)} for row in rows]  # type: ignore[union-attr]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {changes} FROM jsonb_to_recordset(%s::jsonb) AS new({columns}) "  # noqa: S608 (names of ours)
            f"WHERE {table}.{key.column} = new.{key.column}",
            [json.dumps(values, default=_text)],
        )


def _text(value: Any) -> str:
    """Times and ids as PostgreSQL reads them; to the microsecond."""
    return str(value)
