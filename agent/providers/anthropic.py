"""Claude behind `LlmProviderPort`: the only file that knows Anthropic's SDK (2.12).

Knows the wire, the stop reasons and the errors; nothing of tenants, WhatsApp or retries: the queue retries.
The SDK takes seconds to import and 78 MB, so it is imported when a provider is built.
"""

import base64
import json
import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings

from agent.ports import LlmError, LlmRefused, LlmUnavailable, Media, Reply, Speaker, Turn
from agent.tools import HAND_OVER

if TYPE_CHECKING:
    from anthropic import APIStatusError
    from anthropic.types import (
        Base64PDFSourceParam,
        DocumentBlockParam,
        ImageBlockParam,
        Message,
        MessageParam,
        ToolParam,
    )

logger = logging.getLogger(__name__)

SENDABLE = {"end_turn", "stop_sequence"}
TRANSIENT_STATUS = {408, 409, 429}
ACCOUNT_TROUBLE_STATUS = {401, 402, 403}
ACCOUNT_TROUBLE_PAUSE_SECONDS = 300.0
SPENDING_LIMIT = "enforced_spend_limit_reached"
TOOL: "ToolParam" = {
    "name": HAND_OVER.name,
    "description": HAND_OVER.description,
    "input_schema": {
        "type": "object",
        "properties": {"reason": {"type": "string", "description": HAND_OVER.reason}},
        "required": ["reason"],
    },
}
END_OF_SENTENCE = re.compile(r"[.!?…。！？][\"'”’»)]*(?=\s|$)")


class AnthropicProvider:
    """https://docs.claude.com/en/api/messages"""

    def __init__(self) -> None:
        import anthropic

        if not settings.ANTHROPIC_API_KEY:
            raise LlmError("ANTHROPIC_API_KEY is not set.")
        self._sdk = anthropic
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.ANTHROPIC_API_KEY,
            base_url=settings.ANTHROPIC_BASE_URL,
            timeout=settings.ANTHROPIC_TIMEOUT_SECONDS,
            max_retries=0,  # the SDK would sleep in the worker, without bound; the queue re-schedules instead
            default_headers={"anthropic-version": settings.ANTHROPIC_API_VERSION},
            # httpx's own pool looks through all of its connections at each request; aiohttp's does not.
            http_client=anthropic.DefaultAioHttpClient(trust_env=False),
        )

    def __repr__(self) -> str:
        return "<AnthropicProvider>"

    async def generate_reply(self, system_prompt: str, turns: Sequence[Turn], customer: str) -> Reply:
        """See LlmProviderPort. A conversation too long for the model is tried once more with its newer half."""
        message = await self._create(system_prompt, turns, customer)
        if message.stop_reason == "model_context_window_exceeded" and len(turns) > 1:
            message = await self._create(system_prompt, turns[-(len(turns) // 2) :], customer)
        return reply_from(message)

    async def close(self) -> None:
        await self._client.close()

    async def _create(self, system_prompt: str, turns: Sequence[Turn], customer: str) -> "Message":
        try:
            return await self._client.messages.create(
                model=settings.ANTHROPIC_MODEL,
                max_tokens=settings.ANTHROPIC_MAX_TOKENS,
                system=[{"type": "text", "text": system_prompt, "cache_control": {"type": "ephemeral"}}],
                messages=[_param(turn) for turn in _opened(turns)],
                metadata={"user_id": customer},
                tools=[TOOL],
            )
        except self._sdk.APIStatusError as error:
            raise error_from(error) from error
        except self._sdk.APIConnectionError as error:
            raise LlmUnavailable(f"No answer ({type(error).__name__}).") from error
        except json.JSONDecodeError as error:  # the SDK lets a broken 200 through
            raise LlmUnavailable("The answer is not JSON.") from error
        except (self._sdk.AnthropicError, ValueError) as error:
            raise LlmError(f"{type(error).__name__}: {error}") from error


def _param(turn: Turn) -> "MessageParam":
    if turn.speaker is Speaker.AGENT:
        return {"role": "assistant", "content": turn.text}
    if turn.media is None:
        return {"role": "user", "content": turn.text}
    return {"role": "user", "content": [_block(turn.media), {"type": "text", "text": turn.text}]}


def _block(media: Media) -> "ImageBlockParam | DocumentBlockParam":
    """https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support"""
    data = base64.b64encode(media.data).decode()
    if media.mime_type == "application/pdf":
        pdf: Base64PDFSourceParam = {"type": "base64", "media_type": "application/pdf", "data": data}
        return {"type": "document", "source": pdf, "title": media.name or None}
    image: Any = {"type": "base64", "media_type": media.mime_type, "data": data}
    return {"type": "image", "source": image}


def _opened(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The turns from the customer's first on: the API wants a user to begin."""
    first = next((n for n, turn in enumerate(turns) if turn.speaker is Speaker.CUSTOMER), 0)
    return turns[first:]


def reply_from(message: "Message") -> Reply:
    """What may be sent of this message. Raises LlmRefused for a refusal, LlmError for nothing to send.

    A block is known by its `type` only: the SDK gives unknown ones the class of a text block.
    """
    text = storable("\n\n".join(block.text for block in message.content if block.type == "text" and block.text)).strip()
    if message.stop_reason == "refusal":
        category = message.stop_details.category if message.stop_details else None
        raise LlmRefused(f"The model refused ({category or 'no category given'}).")
    hands_over = _handed_over(message)
    if message.stop_reason == "max_tokens":
        text = whole_sentences(text)
    elif message.stop_reason not in SENDABLE and not hands_over:
        raise LlmError(f"The model stopped with {message.stop_reason}.")
    if not text and not hands_over:
        raise LlmError(f"The model said nothing ({message.stop_reason}).")
    usage = message.usage
    read = usage.input_tokens + (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return Reply(text, message.model, message._request_id or message.id, read, usage.output_tokens, hands_over)


def _handed_over(message: "Message") -> str:
    """The reason, when the model has chosen to hand over; a sentence of ours when it gives none."""
    for block in message.content:
        if block.type == "tool_use" and block.name == HAND_OVER.name:
            reason = block.input.get("reason") if isinstance(block.input, dict) else None
            return storable(str(reason or "The agent asks for a person."))
    return ""


def storable(text: str) -> str:
    """The text without NUL, which JSON may carry and PostgreSQL does not take."""
    return text.replace("\0", "")


def whole_sentences(text: str) -> str:
    """The text up to its last complete sentence; all of it when it has none."""
    ends = [match.end() for match in END_OF_SENTENCE.finditer(text)]
    return text[: ends[-1]] if ends else text


def error_from(error: "APIStatusError") -> LlmError:
    """Ours for the SDK's.

    Trouble with our own account (key, permission, money) is no fault of the conversation: it waits, with an error
    in the log for staff, and is answered when the account is well again.
    """
    reason = storable(f"{error.status_code} {error.error_code or error.type or ''}: {error.api_message or error}")
    if error.status_code in ACCOUNT_TROUBLE_STATUS or error.error_code == SPENDING_LIMIT:
        logger.error("Anthropic refuses our account: %s", reason)
        return LlmUnavailable(reason, ACCOUNT_TROUBLE_PAUSE_SECONDS)
    if error.status_code in TRANSIENT_STATUS or error.status_code >= 500:
        after = error.response.headers.get("retry-after", "")
        return LlmUnavailable(reason, float(after) if after.isdigit() else None)
    return LlmError(reason)
