"""Many rows written in one statement. Knows columns and their types; nothing of what they mean."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from django.db import connection
from django.db.models import Field, Model

from tenants.prepared import Asked


def update_each(rows: Sequence[Model], *names: str) -> None:
    """Writes these fields of each row, as `bulk_update` does."""
    if rows:
        updating(rows, *names).now()


def updating(rows: Sequence[Model], *names: str) -> Asked[int]:
    """The statement that does so for these rows, at least one, with one JSON parameter instead of one per value.

    Django's own builds a CASE for every field and row: half a second for a thousand messages.
    """
    model = type(rows[0])
    parameters = [_values(rows, _fields(model, names)), [row.pk for row in rows]]
    return Asked(_update(model, names), parameters, lambda cursor: int(cursor.rowcount))


def insert_each(rows: Sequence[Model], *, once: bool = False) -> set[Any]:
    """Stores the rows, as `bulk_create` does. With `once`, only those whose like is not there yet, by whatever is
    unique. Returns the keys of what was stored."""
    return inserting(rows, once=once).now() if rows else set()


def inserting(rows: Sequence[Model], *, once: bool = False) -> Asked[set[Any]]:
    """The statement that does so for these rows, at least one, with one JSON parameter instead of one per value."""
    model = type(rows[0])
    fields = _fields(model, ())
    for row in rows:
        for field in _filled_in(model):
            field.pre_save(row, add=True)
    return Asked(_insert(model, once), [_values(rows, fields)], lambda cursor: _stored(rows, cursor))


def _stored(rows: Sequence[Model], cursor: Any) -> set[Any]:
    """The keys that came back; whose key it is, is known to be stored from now on."""
    keys = {key for (key,) in cursor.fetchall()}
    for row in rows:
        if row.pk in keys:
            row._state.adding, row._state.db = False, connection.alias
    return keys


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> str:
    """With the keys once more: PostgreSQL takes the JSON for a hundred rows, and would read a table whole for one."""
    key, *fields = _fields(model, names)
    table = model._meta.db_table
    changes = ", ".join(f"{field.column} = new.{field.column}" for field in fields)
    return (
        f"UPDATE {table} SET {changes} FROM {_recordset([key, *fields])} "  # noqa: S608 (names of ours)
        f"WHERE {table}.{key.column} = new.{key.column} AND {table}.{key.column} = ANY(%s)"
    )


@cache
def _insert(model: type[Model], once: bool) -> str:
    fields = _fields(model, ())
    columns = ", ".join(field.column for field in fields)
    unless = "ON CONFLICT DO NOTHING" if once else ""
    return (
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {columns} FROM {_recordset(fields)} "  # noqa: S608 (ours)
        f"{unless} RETURNING {cast('Any', model._meta.pk).column}"
    )


@cache
def _fields(model: type[Model], names: tuple[str, ...]) -> list[Any]:
    """The key and these; all of them when there are no names."""
    meta = model._meta
    return [meta.pk, *(meta.get_field(name) for name in names)] if names else [*meta.concrete_fields]


@cache
def _filled_in(model: type[Model]) -> list[Any]:
    """The fields that find their values themselves when a row is stored."""
    return [field for field in _fields(model, ()) if type(field).pre_save is not Field.pre_save]


def _recordset(fields: Sequence[Any]) -> str:
    columns = ", ".join(f"{field.column} {field.db_type(connection)}" for field in fields)
    return f"jsonb_to_recordset(%s::jsonb) AS new({columns})"


def _values(rows: Sequence[Model], fields: Sequence[Any]) -> str:
    """Times and ids as PostgreSQL reads them, to the microsecond."""
    return json.dumps([{field.column: getattr(row, field.attname) for field in fields} for row in rows], default=str)
