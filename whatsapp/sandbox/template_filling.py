"""A template and the values that a call gives for it become what the customer sees, or a refusal.

Knows nothing of who sends it to whom. How values are given:
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages
"""

import re
from typing import Any

from whatsapp.sandbox.refusals import Refusal

Json = dict[str, Any]
Given = dict[tuple[str, int], Json]
VALUE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
UNWANTED = re.compile(r"[\n\t]| {5}")
LONGEST = {"header": 60, "body": 1024, "button": 2000}
TYPES = ("header", "body", "button")


def filled(template: Json, components: Any) -> Json:
    """What the customer sees: `body`, perhaps `header`, `footer` and `buttons`; a Refusal when the values do not fit.

    Other than at Meta, an id of a picture is taken at its word: nothing can be uploaded here.
    """
    given, parts = _given(components), {part["type"]: part for part in template["components"]}
    named = template["parameter_format"] == "NAMED"
    seen = {
        "header": _header(parts.get("HEADER", {}), _parameters(given, "header"), named),
        "body": _text("body", parts["BODY"]["text"], _parameters(given, "body"), named),
        "footer": parts.get("FOOTER", {}).get("text", ""),
        "buttons": _buttons(parts.get("BUTTONS", {}).get("buttons", []), given),
    }
    return {name: part for name, part in seen.items() if part}


def _given(components: Any) -> Given:
    """The components of the call by type and place; a place is for buttons only."""
    if not isinstance(components, list | None):
        raise Refusal(131009, details="template['components'] must be an array")
    given: Given = {}
    for component in components or []:
        if not isinstance(component, dict) or str(component.get("type", "")).lower() not in TYPES:
            raise Refusal(131009, details=f"A component of a template has one of these types: {', '.join(TYPES)}")
        place = _place(component)
        if place in given:
            raise Refusal(131009, details=f"The component {place[0]} is there twice")
        given[place] = component
    return given


def _place(component: Json) -> tuple[str, int]:
    kind = str(component["type"]).lower()
    if kind != "button":
        return kind, 0
    if not component.get("sub_type") or component.get("index") is None:
        raise Refusal(131008, details="A component of the type button needs sub_type and index")
    index = str(component["index"])
    if not (index.isascii() and index.isdigit()):
        raise Refusal(131009, details="The index of a button is a number")
    return kind, int(index)


def _parameters(given: Given, kind: str, index: int = 0) -> list[Json]:
    parameters = given.get((kind, index), {}).get("parameters", [])
    if not isinstance(parameters, list) or not all(isinstance(parameter, dict) for parameter in parameters):
        raise Refusal(131009, details=f"{kind}: parameters must be an array of objects")
    return parameters


def _header(part: Json, parameters: list[Json], named: bool) -> Json:
    if part.get("format", "TEXT") == "TEXT":
        text = _text("header", part.get("text", ""), parameters, named)
        return {"format": "TEXT", "text": text} if text else {}
    _check_count("header", len(parameters), 1)
    kind, [parameter] = part["format"].lower(), parameters
    _check_type("header", parameter, kind)
    file = parameter.get(kind)
    if not isinstance(file, dict) or not (file.get("id") or str(file.get("link", "")).startswith("https://")):
        raise Refusal(131008, details=f"header: {kind} needs an id, or a link that begins with https://")
    return {"format": part["format"]}


def _text(where: str, text: str, parameters: list[Json], named: bool = False) -> str:
    names = list(dict.fromkeys(VALUE.findall(text)))
    _check_count(where, len(parameters), len(names))
    values = [_value(where, parameter) for parameter in parameters]
    if named:
        names = [_name(where, parameter, names) for parameter in parameters]
    by_name = dict(zip(names, values, strict=True))
    if len(by_name) < len(values):
        raise Refusal(100, details=f"{where}: a parameter_name is there twice")
    said = VALUE.sub(lambda match: by_name[match[1]], text)
    if len(said) > LONGEST[where]:
        raise Refusal(132005, details=f"{where}: the text has more than {LONGEST[where]} characters")
    return said


def _value(where: str, parameter: Json) -> str:
    _check_type(where, parameter, "text")
    text = parameter.get("text")
    if not text or not isinstance(text, str):
        raise Refusal(131008, details="Parameter of type text is missing text value")
    if UNWANTED.search(text):
        wrong = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        raise Refusal(132018, details=f"{where}: {wrong}")
    return text


def _name(where: str, parameter: Json, names: list[str]) -> str:
    name = parameter.get("parameter_name")
    if not name:
        raise Refusal(100, details="Parameter name is missing or empty")
    if name not in names:
        raise Refusal(100, details=f"{where}: the template has no parameter {name!r}")
    return str(name)


def _check_count(where: str, count: int, expected: int) -> None:
    if count != expected:
        numbers = f"number of localizable_params ({count}) does not match the expected number of params ({expected})"
        raise Refusal(132000, details=f"{where}: {numbers}")


def _check_type(where: str, parameter: Json, expected: str) -> None:
    kind = str(parameter.get("type", "unknown"))
    if kind != expected:
        raise Refusal(132012, details=f"{where}: Format mismatch, expected {expected.upper()}, received {kind.upper()}")


def _buttons(buttons: list[Json], given: Given) -> list[Json]:
    for kind, index in given:
        if kind == "button" and index >= len(buttons):
            raise Refusal(131009, details=f"buttons: the template has no button at index {index}")
    return [_button(index, button, given) for index, button in enumerate(buttons)]


def _button(index: int, button: Json, given: Given) -> Json:
    """A quick reply's payload is its text, unless the call says another one."""
    kind, parameters = button["type"], _parameters(given, "button", index)
    said = str(given.get(("button", index), {}).get("sub_type", kind)).upper()
    if said != kind:
        raise Refusal(131009, details=f"buttons: Button at index {index} is of type {kind} and not {said}")
    if kind == "URL":
        if VALUE.search(button["url"]) and not parameters:
            raise Refusal(131008, details=f"buttons: Button at index {index} of type Url requires a parameter")
        return {"type": kind, "text": button["text"], "url": _text("button", button["url"], parameters)}
    return {"type": kind, "text": button["text"], "payload": _payload(index, parameters) or button["text"]}


def _payload(index: int, parameters: list[Json]) -> str:
    if not parameters:
        return ""
    _check_count("button", len(parameters), 1)
    _check_type("button", parameters[0], "payload")
    if not parameters[0].get("payload"):
        raise Refusal(131008, details=f"buttons: Button at index {index} is missing its payload")
    return str(parameters[0]["payload"])
