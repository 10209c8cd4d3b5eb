"""Customers' media: fetched by a job, kept once per tenant, shown to the model, forgotten with the message.

Knows the rows and the storage; what Meta gives is `whatsapp.media`, who may look at it is `downloads`.
"""

from conversations.media.fetching import fetch_media, queue_fetch
from conversations.media.files import forget, purge_orphans
from conversations.media.showing import cannot_hear, is_awaited, please_write, shown

__all__ = [
    "cannot_hear",
    "fetch_media",
    "forget",
    "is_awaited",
    "please_write",
    "purge_orphans",
    "queue_fetch",
    "shown",
]
