"""Meta's templates as a small type of our own, and where the next page of them begins.

Knows their JSON; nothing of what is made of them.
"""

from dataclasses import dataclass
from typing import Any, Self

JSON = dict[str, Any]

TEMPLATE_FIELDS = "id,name,language,category,status,quality_score,rejected_reason,parameter_format,components"
# Of one account whose business is verified.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
MOST_TEMPLATES = 6000


@dataclass(frozen=True)
class Template:
    """A template as Meta describes it; unknown words are kept as they are, absent ones are empty."""

    id: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    rejected_reason: str
    parameter_format: str
    components: tuple[JSON, ...]

    @classmethod
    def of(cls, data: JSON) -> Self:
        quality = data.get("quality_score")
        components = data.get("components")
        words = ("id", "name", "language", "category", "status", "rejected_reason")
        return cls(
            **{word: str(data.get(word) or "") for word in words},
            quality=str(quality.get("score") or "") if isinstance(quality, dict) else "",
            parameter_format=str(data.get("parameter_format") or "POSITIONAL").upper(),
            components=tuple(part for part in components if isinstance(part, dict))
            if isinstance(components, list)
            else (),
        )


def next_page(answer: JSON) -> str:
    """The cursor of the page after this one; empty when it was the last.

    https://developers.facebook.com/docs/graph-api/results
    """
    paging = answer.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return ""
    cursors = paging.get("cursors")
    return str(cursors.get("after") or "") if isinstance(cursors, dict) else ""
