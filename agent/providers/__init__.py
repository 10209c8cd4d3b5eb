"""The model providers, chosen by a dotted path in settings, as Django chooses its e-mail backend."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from agent.ports import LlmProviderPort, TranscriptionPort


@cache
def get_provider() -> LlmProviderPort:
    """The provider of this process, made once: its HTTP client is expensive to build and safe to share."""
    provider: LlmProviderPort = import_string(settings.LLM_PROVIDER)()
    return provider


@cache
def get_transcriber() -> TranscriptionPort | None:
    """Who makes words of recordings, made once; nobody does unless TRANSCRIPTION_PROVIDER names one."""
    if not settings.TRANSCRIPTION_PROVIDER:
        return None
    transcriber: TranscriptionPort = import_string(settings.TRANSCRIPTION_PROVIDER)()
    return transcriber
