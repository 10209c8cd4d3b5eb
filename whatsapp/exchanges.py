"""Keeps a record of each exchange with Meta, beside what it was for.

Knows the rows; what may be in them is decided by `redaction`. A record that cannot be kept harms nothing else.
"""

import json
import logging
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from tenants.bulk import insert_each
from tenants.transactions import contained
from whatsapp.client import Exchange, Keep
from whatsapp.models import EmbeddedSignupSession, GraphExchange, WhatsappConnection

logger = logging.getLogger(__name__)


def keep_for(connection: WhatsappConnection, message_id: UUID | None = None) -> Keep:
    """Keeps exchanges of this connection, about this message when there is one."""
    return lambda exchange: _keep(
        exchange, tenant_id=connection.tenant_id, connection=connection, message_id=message_id
    )


def keep_for_signup(session: EmbeddedSignupSession) -> Keep:
    """Keeps exchanges of this signup."""
    return lambda exchange: _keep(exchange, tenant_id=session.tenant_id, signup=session, connection=session.connection)


def _keep(exchange: Exchange, **about: Any) -> None:
    try:
        with contained():
            insert_each([_row(exchange, about)])
    except DatabaseError:
        logger.exception("an exchange with Meta was not kept")


def _row(exchange: Exchange, about: dict[str, Any]) -> GraphExchange:
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
    """PostgreSQL's JSON has no NUL."""
    return json.loads(json.dumps(value).replace("\\\\u0000", ""))
