"""What a template says and which values it wants, read from its components alone.

Knows Meta's components; nothing of rows or of values.
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

JSON = Mapping[str, Any]

PLACEHOLDER = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
MEDIA = ("IMAGE", "VIDEO", "DOCUMENT")
# What is sent with a button that wants a value: the kind of value, and Meta's word for the button.
WANTING_BUTTONS = {"URL": ("url", "url"), "OTP": ("url", "url"), "COPY_CODE": ("code", "copy_code")}
PLAIN_BUTTONS = ("QUICK_REPLY", "PHONE_NUMBER", "VOICE_CALL", "REQUEST_CONTACT_INFO")


class Want(NamedTuple):
    """A value that a template wants: where it stands, and what kind it is.

    `kind` is `text`, `image`, `video`, `document`, `url` (the end of a button's address) or `code`; `name` is that of
    the placeholder, or the button's label; `number` counts the buttons, from 0.
    """

    place: str
    kind: str
    name: str = ""
    example: str = ""
    number: int = 0
    sub_type: str = ""


class Part(NamedTuple):
    """A piece of a template for people to read: `header`, `body`, `footer` or `button`, and its words."""

    place: str
    words: str


def parts_of(components: Iterable[JSON]) -> Iterator[Part]:
    """What it says, with its placeholders; of media in the header, the kind."""
    for component in components:
        match _word(component, "type"):
            case "HEADER" if _word(component, "format") in ("", "TEXT"):
                yield Part("header", _text(component))
            case "HEADER":
                yield Part("header", f"({_word(component, 'format').lower()})")
            case "BODY":
                yield Part("body", _text(component))
            case "FOOTER":
                yield Part("footer", _text(component))
            case "BUTTONS":
                yield from (Part("button", _text(button)) for button in _buttons(component))


def wants_of(components: Iterable[JSON]) -> list[Want]:
    """Every value it wants, in the order in which they are read: header, body, buttons."""
    found = [want for component in components for want in _wants(component)]
    return sorted(found, key=lambda want: ("header", "body", "buttons").index(want.place))


def strange_parts(components: Iterable[JSON]) -> list[str]:
    """Meta's words for those of its parts that cannot be filled in here, such as a carousel; for most, none."""
    return [word for component in components for word in _strange(component)]


def example_of(wants: Iterable[Want], *, is_named: bool) -> dict[str, Any]:
    """Values that would fit, from the examples that Meta has approved, in the shape in which they are given."""
    given: dict[str, Any] = {}
    for want in wants:
        value = want.example or "…"
        if want.place == "header":
            given["header"] = value
        elif want.place == "buttons":
            given.setdefault("buttons", []).append(value)
        elif is_named:
            given.setdefault("body", {})[want.name] = value
        else:
            given.setdefault("body", []).append(value)
    return given


def lines_of(parts: Iterable[Part]) -> str:
    """The parts as a message reads; a button on a line of its own."""
    return "\n".join(f"▸ {part.words}" if part.place == "button" else part.words for part in parts if part.words)


def _wants(component: JSON) -> Iterator[Want]:
    match _word(component, "type"):
        case "HEADER" if _word(component, "format") in MEDIA:
            kind = _word(component, "format").lower()
            yield Want("header", kind, example=f"https://example.com/{kind}")
        case "HEADER":
            yield from _texts("header", component)
        case "BODY":
            yield from _texts("body", component)
        case "BUTTONS":
            yield from _of_buttons(component)


def _texts(place: str, component: JSON) -> Iterator[Want]:
    examples = _examples(place, component)
    names = list(dict.fromkeys(PLACEHOLDER.findall(_text(component))))
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    for number, name in enumerate(names):
        yield Want(place, "text", name, examples.get(name, examples.get(str(number + 1), "")))


def _examples(place: str, component: JSON) -> dict[str, str]:
    """By name, or by number from 1: `body_text` is a list of lists, `header_text` one list."""
    example = component.get("example")
    if not isinstance(example, Mapping):
        return {}
    if named := _mappings(example.get(f"{place}_text_named_params")):
        return {str(each.get("param_name")): str(each.get("example") or "") for each in named}
    given = example.get(f"{place}_text")
    if isinstance(given, list) and given and isinstance(given[0], list):
        given = given[0]
    return {str(number): str(value) for number, value in enumerate(given, 1)} if isinstance(given, list) else {}


def _of_buttons(component: JSON) -> Iterator[Want]:
    for number, button in enumerate(_buttons(component)):
        type_ = _word(button, "type")
        if type_ in WANTING_BUTTONS and (type_ != "URL" or PLACEHOLDER.search(str(button.get("url") or ""))):
            kind, sub_type = WANTING_BUTTONS[type_]
            yield Want("buttons", kind, _text(button), _example_of_button(button), number, sub_type)


def _example_of_button(button: JSON) -> str:
    """Meta shows the whole address: what stands in the place of the placeholder, and after it, is ours to give."""
    example = button.get("example")
    value = str((example[0] if example else "") if isinstance(example, list) else example or "")
    fixed = PLACEHOLDER.split(str(button.get("url") or ""))[0]
    return value.removeprefix(fixed)


def _strange(component: JSON) -> Iterator[str]:
    type_, format_ = _word(component, "type"), _word(component, "format")
    if type_ == "HEADER" and format_ not in ("", "TEXT", *MEDIA):
        yield f"HEADER {format_}"
    elif type_ == "BUTTONS":
        known = ("", *WANTING_BUTTONS, *PLAIN_BUTTONS)
        yield from (_word(button, "type") for button in _buttons(component) if _word(button, "type") not in known)
    elif type_ not in ("HEADER", "BODY", "FOOTER"):
        yield type_


def _buttons(component: JSON) -> list[JSON]:
    return _mappings(component.get("buttons"))


def _mappings(value: Any) -> list[JSON]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _word(of: JSON, key: str) -> str:
    return str(of.get(key) or "").upper()


def _text(of: JSON) -> str:
    return str(of.get("text") or "")
