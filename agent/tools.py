"""What the agent may do besides talking. Pure Python: the providers say it in their own words.

Knows what each tool is for; nothing of what follows when it is used.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """A deed that the model may choose instead of an answer, with a reason in its own words."""

    name: str
    description: str
    reason: str


HAND_OVER = Tool(
    name="hand_over_to_person",
    description=(
        "Hands this conversation over to a person of the business. Use it when the customer asks for a person, when "
        "you cannot help within your instructions, or when something goes wrong that only a person can put right. The "
        "customer is told that a person will answer; you say nothing more yourself."
    ),
    reason="Why, in one sentence, for the person who takes over.",
)
