"""The customer service window: within it a business says what it likes, outside of it only what a template says.

Knows nothing of calls and of messages. https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
"""

from whatsapp.sandbox.memory import Memory

LIVES = 24 * 3600


def is_open(memory: Memory, phone_number_id: str, wa_id: str) -> bool:
    """Whether the number may write freely to the customer: for 24 hours after whatever the customer said last.

    Who has never written may be written to, which Meta would not allow: so a number can be tried without a customer.
    """
    heard = memory.heard.get((phone_number_id, wa_id))
    return heard is None or memory.clock() < heard + LIVES


def closed(memory: Memory) -> list[tuple[str, str]]:
    """The chats (phone_number_id, wa_id) in which only a template may be sent."""
    return [chat for chat in list(memory.heard) if not is_open(memory, *chat)]
