"""How a message of any type reads, to people and to the agent. Knows the keys of its content; changes nothing."""

from conversations.wording.for_agent import agent_text
from conversations.wording.for_people import transcript_text

__all__ = ["agent_text", "transcript_text"]
