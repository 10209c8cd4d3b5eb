"""The staff's pages for connections, the signups that lead to them, and every call to Meta that was kept.

Never shows a token, a PIN or a signup's state, and does not even read them.
"""

from whatsapp.admin import connections, deletions, exchanges, signups

__all__ = ["connections", "deletions", "exchanges", "signups"]
