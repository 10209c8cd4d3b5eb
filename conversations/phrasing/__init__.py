"""How the agent's words look on WhatsApp: its markup, and parts that are short enough. Knows nothing of rows."""

from conversations.phrasing.blocks import to_whatsapp
from conversations.phrasing.splitting import split

__all__ = ["split", "to_whatsapp"]
