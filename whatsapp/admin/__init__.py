"""The staff's pages for connections, the signups that lead to them, and all that was said to Meta and by Meta.

Never shows a token, a PIN or a signup's state, and does not even read them.
"""

from whatsapp.admin import connections, deletions, exchanges, notices, signups, templates

__all__ = ["connections", "deletions", "exchanges", "notices", "signups", "templates"]
