"""Transactions, where Django's own would cost round trips for nothing. Knows no rows."""

from contextlib import AbstractContextManager, nullcontext

from django.db import connection, transaction


def contained() -> AbstractContextManager[object]:
    """For one statement whose failure is caught: it does not spoil the transaction around it, if there is one."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()
