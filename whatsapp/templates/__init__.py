"""Message templates: read at Meta, understood, and filled in.

Knows what Meta lets be sent outside the service window; nothing of conversations or of who sends.
"""

from whatsapp.templates.filling import Filled, Unfitting, as_sent, fill, trouble_with
from whatsapp.templates.reading import Part, Want, example_of, lines_of, parts_of, strange_parts, wants_of
from whatsapp.templates.syncing import hear, queue_sync, sync

__all__ = [
    "Filled",
    "Part",
    "Unfitting",
    "Want",
    "as_sent",
    "example_of",
    "fill",
    "hear",
    "lines_of",
    "parts_of",
    "queue_sync",
    "strange_parts",
    "sync",
    "trouble_with",
    "wants_of",
]
