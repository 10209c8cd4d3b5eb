"""Values for a template: whether they fit, what Meta is given for them, and how the message reads then.

Knows what Meta accepts as a value; nothing of rows, requests or forms.
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from whatsapp.templates.reading import PLACEHOLDER, Part, Want, lines_of, parts_of, wants_of

JSON = dict[str, Any]
Errors = dict[str, list[str]]

# Meta refuses these within a text: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
UNEVEN = re.compile(r"[\r\n\t]| {5,}")
is_link = URLValidator(schemes=["https", "http"])


class Unfitting(Exception):
    """The values do not fit; `errors` says by place (`header`, `body`, `buttons`) what is missing or too many."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(str(errors))
        self.errors = errors


class Filled(NamedTuple):
    """Meta's `components` for the message, and its words."""

    components: list[JSON]
    words: str


def fill(components: Sequence[Mapping[str, Any]], *, is_named: bool, values: Mapping[str, Any]) -> Filled:
    """The template with these values: `header` a text, `body` a list, or by name an object, `buttons` a list.

    Raises Unfitting.
    """
    wants, errors = wants_of(components), Errors()
    given: dict[Want, str] = {}
    for place, pair in {"header": _header, "body": _by_name if is_named else _in_order, "buttons": _in_order}.items():
        of_place = [want for want in wants if want.place == place]
        try:
            given |= pair(of_place, values.get(place))
        except ValidationError as error:
            errors[place] = error.messages
    for want, value in given.items():
        if trouble := trouble_with(want, value):
            errors.setdefault(want.place, []).append(f"{_named(want)}: {trouble}")
    if errors:
        raise Unfitting(errors)
    return Filled(_for_meta(given, is_named=is_named), _words(components, given))


def as_sent(asked: Mapping[str, Any]) -> JSON:
    """The template of a message as Meta wants it, from its `name`, `language` and filled `components`."""
    return {"name": asked["name"], "language": {"code": asked["language"]}, "components": asked["components"]}


def trouble_with(want: Want, value: str) -> str:
    """Why Meta would not take this value, in a sentence; empty when it would."""
    if not value.strip():
        return gettext("A value must not be empty.")
    if want.kind in ("image", "video", "document"):
        try:
            is_link(value)
        except ValidationError:
            return gettext("This must be the whole address of a file that Meta can fetch: https://…")
    elif UNEVEN.search(value):
        return gettext("Meta takes no line breaks, no tabs, and no more than four spaces in a row.")
    return ""


# ── Which value is whose ─────────────────────────────────────────────────────────────────────────────────────────────


def _header(wants: Sequence[Want], value: Any) -> dict[Want, str]:
    return _in_order(wants, value if value is None or isinstance(value, list) else [value])


def _in_order(wants: Sequence[Want], values: Any) -> dict[Want, str]:
    if isinstance(values, Mapping):
        raise ValidationError(_("The values of this template have no names: give a list."))
    found = list(values or [])
    if not all(isinstance(value, str) for value in found):
        raise ValidationError(_("Every value is a text."))
    if len(found) < len(wants):
        missing = ", ".join(_named(want) for want in wants[len(found) :])
        raise ValidationError(_lacking(missing, len(wants)))
    if len(found) > len(wants):
        raise ValidationError(_("Too many values: %(wanted)d wanted, %(given)d given.") % _counts(wants, found))
    return dict(zip(wants, found, strict=True))


def _by_name(wants: Sequence[Want], values: Any) -> dict[Want, str]:
    if isinstance(values, list):
        raise ValidationError(_("The values of this template have names: give an object."))
    found = dict(values or {})
    if not all(isinstance(value, str) for value in found.values()):
        raise ValidationError(_("Every value is a text."))
    names = {want.name: want for want in wants}
    if missing := [_named(want) for name, want in names.items() if name not in found]:
        raise ValidationError(_lacking(", ".join(missing), len(wants)))
    if unknown := sorted(set(found) - set(names)):
        raise ValidationError(_("Not wanted: %(names)s.") % {"names": ", ".join(unknown)})
    return {want: found[name] for name, want in names.items()}


def _lacking(missing: str, wanted: int) -> str:
    told = gettext("Values are missing: %(missing)s. %(wanted)d wanted.")
    return told % {"missing": missing, "wanted": wanted}


def _counts(wants: Sequence[Want], found: Sequence[Any]) -> dict[str, int]:
    return {"wanted": len(wants), "given": len(found)}


def _named(want: Want) -> str:
    """As people know it: by its placeholder, its button, or what is to be sent."""
    return f"{{{{{want.name}}}}}" if want.kind == "text" else want.name or want.kind


# ── What is made of them ─────────────────────────────────────────────────────────────────────────────────────────────


def _for_meta(given: Mapping[Want, str], *, is_named: bool) -> list[JSON]:
    """Only what has values is sent; a button is named by where it stands."""
    components: list[JSON] = []
    for place in ("header", "body"):
        of_place = {want: value for want, value in given.items() if want.place == place}
        if of_place:
            parameters = [_parameter(want, value, is_named=is_named) for want, value in of_place.items()]
            components.append({"type": place, "parameters": parameters})
    for want, value in given.items():
        if want.place == "buttons":
            parameters = [_parameter(want, value, is_named=False)]
            head = {"type": "button", "sub_type": want.sub_type, "index": str(want.number)}
            components.append({**head, "parameters": parameters})
    return components


def _parameter(want: Want, value: str, *, is_named: bool) -> JSON:
    match want.kind:
        case "code":
            return {"type": "coupon_code", "coupon_code": value}
        case "document":
            name = unquote(urlsplit(value).path.rpartition("/")[2])
            return {"type": "document", "document": {"link": value} | ({"filename": name} if name else {})}
        case "image" | "video":
            return {"type": want.kind, want.kind: {"link": value}}
    return {"type": "text", **({"parameter_name": want.name} if is_named else {}), "text": value}


def _words(components: Iterable[Mapping[str, Any]], given: Mapping[Want, str]) -> str:
    return lines_of(_filled(part, given) for part in parts_of(components))


def _filled(part: Part, given: Mapping[Want, str]) -> Part:
    values = {want.name: value for want, value in given.items() if want.place == part.place}
    if part.place == "header" and "" in values:  # media have no placeholder
        return Part(part.place, values[""])
    return Part(part.place, PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), part.words))
