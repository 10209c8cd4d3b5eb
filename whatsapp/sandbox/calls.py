"""One Graph call as it arrives.

Knows nothing of what any call does.
"""

from dataclasses import dataclass
from typing import Any

from whatsapp.sandbox.grants import App
from whatsapp.sandbox.memory import Memory
from whatsapp.sandbox.refusals import parameter_missing

Json = dict[str, Any]


@dataclass(frozen=True)
class File:
    """What a call is answered with when it is not JSON."""

    content: bytes
    mime_type: str


@dataclass(frozen=True)
class Call:
    """One request, ready to be judged."""

    method: str
    path: str
    params: Json
    bearer: str
    app: App
    memory: Memory
    webhook_url: str
    media_url: str
    graph_url: str
    typing: dict[tuple[str, str], float]
    failure: int | str = ""

    @property
    def token(self) -> str:
        """The access token, from the header or the parameter."""
        return self.bearer or str(self.params.get("access_token", ""))

    def required(self, name: str) -> Any:
        """A parameter that must be there."""
        if not self.params.get(name):
            raise parameter_missing(name)
        return self.params[name]
