"""Keeps a record of each exchange with Meta, beside what it was for.

Knows the rows; what may be in them is decided by `redaction`. A record that cannot be kept harms nothing else.
"""

import logging
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.db.models import Model

from tenants.bulk import insert_each
from tenants.transactions import contained
from whatsapp.client import Exchange, Keep
from whatsapp.models import EmbeddedSignupSession, GraphExchange, WhatsappConnection

logger = logging.getLogger(__name__)


def keep_for(connection: WhatsappConnection, message_id: UUID | None = None) -> Keep:
    """Keeps exchanges of this connection, about this message when there is one."""
    return lambda exchange: _keep(_row_of(exchange, **_about(connection), message_id=message_id))


def gather_for(connection: WhatsappConnection, message_id: UUID, rows: list[Model]) -> Keep:
    """Adds the rows of exchanges about this message to `rows`, for somebody who stores them with others."""
    return lambda exchange: rows.append(_row_of(exchange, **_about(connection), message_id=message_id))


def keep_for_signup(session: EmbeddedSignupSession) -> Keep:
    """Keeps exchanges of this signup."""
    about = {"tenant_id": session.tenant_id, "signup": session}
    return lambda exchange: _keep(_row_of(exchange, **about, connection=session.connection))


def _about(connection: WhatsappConnection) -> dict[str, Any]:
    return {"tenant_id": connection.tenant_id, "connection": connection}


def _keep(row: GraphExchange) -> None:
    try:
        with contained():
            insert_each([row])
    except DatabaseError:
        logger.exception("an exchange with Meta was not kept")


def _row_of(exchange: Exchange, **about: Any) -> GraphExchange:
    return GraphExchange(
        method=exchange.method,
        path=exchange.path[:300],
        status=exchange.status,
        milliseconds=exchange.milliseconds,
        code=exchange.code,
        trace_id=exchange.trace_id[:100],
        error=exchange.error[:500],
        request=_storable(exchange.request),
        response=_storable(exchange.response),
        **about,
    )


def _storable(value: Any) -> Any:
    """The same JSON without NUL, which PostgreSQL's has not."""
    match value:
        case str():
            return value.replace("\0", "")
        case list():
            return [_storable(inner) for inner in value]
        case dict():
            return {_storable(key): _storable(inner) for key, inner in value.items()}
        case _:
            return value
