"""The queue, as everybody who has something to do later sees it. Knows no task."""

from functools import cache

from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector


@cache
def queue() -> App:
    """The queue on Django's own connection: in a worker too, a job commits or rolls back with the rows."""
    return app.with_connector(DjangoConnector())
