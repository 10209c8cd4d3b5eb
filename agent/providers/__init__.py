"""The model providers, chosen by a dotted path in settings, as Django chooses its e-mail backend."""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

from django.conf import settings
from django.utils.module_loading import import_string

from agent.ports import LlmProviderPort, TranscriptionPort

_providers: WeakKeyDictionary[asyncio.AbstractEventLoop, LlmProviderPort] = WeakKeyDictionary()


def get_provider() -> LlmProviderPort:
    """The provider of this event loop, made once: its HTTP client is expensive to build, and lives in one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _providers:
        _providers[loop] = import_string(settings.LLM_PROVIDER)()
    return _providers[loop]


async def close_provider() -> None:
    """Lets go of this event loop's provider, if it has one."""
    provider = _providers.pop(asyncio.get_running_loop(), None)
    if provider is not None:
        await provider.close()


@cache
def get_transcriber() -> TranscriptionPort | None:
    """Who makes words of recordings, made once; nobody does unless TRANSCRIPTION_PROVIDER names one."""
    if not settings.TRANSCRIPTION_PROVIDER:
        return None
    transcriber: TranscriptionPort = import_string(settings.TRANSCRIPTION_PROVIDER)()
    return transcriber
