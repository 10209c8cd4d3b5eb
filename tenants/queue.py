"""The queue, as everybody who has something to do later sees it. Knows no task."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import ParamSpec, TypeVar

from django.db import close_old_connections
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@cache
def queue() -> App:
    """The queue on Django's own connection: in a worker too, a job commits or rolls back with the rows."""
    return app.with_connector(DjangoConnector())


async def in_thread(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """What `work` returns: done in one of the worker's threads, whose database connection goes back to the pool."""
    return await asyncio.to_thread(lambda: _and_let_go(work, *args, **kwargs))


def _and_let_go(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    try:
        return work(*args, **kwargs)
    finally:
        close_old_connections()
