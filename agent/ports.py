"""What we ask of any model provider, and what it may answer. Pure Python: no Django, no SDK."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Speaker(StrEnum):
    CUSTOMER = "user"
    AGENT = "assistant"


@dataclass(frozen=True)
class Media:
    """An image or a PDF, as it is. `name` is the customer's own for it, or empty."""

    mime_type: str
    data: bytes
    name: str = ""

    def __repr__(self) -> str:
        return f"<Media {self.mime_type}, {len(self.data)} bytes>"


@dataclass(frozen=True)
class Turn:
    """Something said in the conversation, the oldest first. `media` is shown beside the text, which says what it is.

    Only the customer's turns have media.
    """

    speaker: Speaker
    text: str
    media: Media | None = None


@dataclass(frozen=True)
class Reply:
    """What the model says next. Tokens are totals: input counts what was read from or written to a cache too.

    `hands_over` is the model's reason for wanting a person to answer instead; then `text` may be empty.
    """

    text: str
    model: str
    request_id: str
    input_tokens: int
    output_tokens: int
    hands_over: str = ""


class LlmError(Exception):
    """The model will not answer this, however often it is asked: give up, and say why."""


class NoPrompt(LlmError):
    """Nobody has told the agent what to say."""


class LlmUnavailable(LlmError):
    """The model cannot answer now: try again, after `retry_after` seconds when given."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class LlmRefused(LlmError):
    """The model declines to answer this customer: a human should."""


class LlmProviderPort(Protocol):
    """Of one event loop: hundreds of conversations wait for it at once, in one process."""

    async def generate_reply(self, system_prompt: str, turns: Sequence[Turn], customer: str) -> Reply:
        """The reply to the last turns, which are the customer's.

        `customer` is an opaque pseudonym, for the provider's abuse detection. Raises LlmUnavailable, LlmRefused
        or LlmError.
        """
        ...

    async def close(self) -> None:
        """Lets go of its connections."""
        ...


class CannotTranscribe(Exception):
    """Nobody will make words of this recording, however often it is asked."""


class TranscriptionUnavailable(Exception):
    """No words can be made of it now: try again later."""


class TranscriptionPort(Protocol):
    def transcribe(self, audio: bytes, mime_type: str, language: str) -> str:
        """What is said in the recording. `language` is the tenant's (`es`): a hint, for the speaker may use another.

        Raises TranscriptionUnavailable or CannotTranscribe.
        """
        ...
