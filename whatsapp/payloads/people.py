"""Who somebody is, out of the ids and cards that Meta sends. Knows nothing of what they say.

Since 2026 a phone number may be missing, and a business-scoped user id may stand where phone numbers were.
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
"""

import re
from collections.abc import Sequence
from typing import Any

from whatsapp.payloads.items import Person
from whatsapp.payloads.reading import JSON, digits, identifier, mapping, text

USER_ID = re.compile(r"[A-Za-z]{2}\.[A-Za-z0-9]+")
PARENT_ID = re.compile(r"[A-Za-z]{2}\.ENT\..*", re.DOTALL)  # of linked portfolios: nobody can be written to by it
LETTER = re.compile(r"[^\W\d_]")


class Cards:
    """Those whom Meta introduces beside what they say; of several with the same id the first counts."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self._places: dict[tuple[str, str], int] = {}
        for place, card in enumerate(people):
            for known in _ids(card):
                self._places.setdefault(known, place)

    def of(self, somebody: Person) -> Person | None:
        """The card on which one of their ids stands."""
        places = [self._places[known] for known in _ids(somebody) if known in self._places]
        return self._people[min(places)] if places else None

    @property
    def lone(self) -> Person:
        """The only card; nobody when there are none or several."""
        return self._people[0] if len(self._people) == 1 else Person()


def person(phone: Any, user_id: Any = None) -> Person:
    """Somebody by `from` and `from_user_id`, by `to` and `to_user_id`, or the like; perhaps nobody."""
    return Person(wa_id=_wa_id(phone), user_id=_user_id(user_id) or _user_id_among_phones(phone))


def on_card(card: JSON) -> Person:
    """Somebody by a card in `contacts`."""
    profile = mapping(card.get("profile"))
    known = person(card.get("wa_id"), card.get("user_id"))
    return Person(known.wa_id, known.user_id, text(profile.get("name"))[:500], username(profile.get("username")))


def introduced(somebody: Person, cards: Cards, *, alone: bool) -> Person:
    """The same person with what their card says. `alone`: nobody else is spoken of, so a lone card is theirs.

    Then the card's phone need not have the same digits: Brazil, Mexico and Argentina have two spellings.
    """
    card = _card(somebody, cards, alone=alone)
    return Person(
        wa_id=somebody.wa_id or card.wa_id,
        user_id=somebody.user_id or card.user_id,
        name=card.name,
        username=card.username or somebody.username,
    )


def username(value: Any) -> str:
    """For display only, so without the sign that some sources write before it."""
    return text(value).removeprefix("@")[:100]


def is_same(one: Person, other: Person) -> bool:
    """Whether an id says so."""
    by_phone = bool(one.wa_id) and one.wa_id == other.wa_id
    return by_phone or (bool(one.user_id) and one.user_id == other.user_id)


def _card(somebody: Person, cards: Cards, *, alone: bool) -> Person:
    if found := cards.of(somebody):
        return found
    lone = cards.lone if alone else Person()
    is_anothers = somebody.user_id and lone.user_id  # both told, and not the same
    return Person() if is_anothers else lone


def _ids(somebody: Person) -> list[tuple[str, str]]:
    """What they can be found by, never by what is empty."""
    told = (("wa_id", somebody.wa_id), ("user_id", somebody.user_id))
    return [known for known in told if known[1]]


def _wa_id(value: Any) -> str:
    """Digits only; what has letters in it is no phone number."""
    return "" if LETTER.search(text(value)) else identifier(digits(value), 64)


def _user_id(value: Any) -> str:
    user_id = identifier(value, 160)
    return "" if PARENT_ID.fullmatch(user_id) else user_id


def _user_id_among_phones(value: Any) -> str:
    spelled = text(value).strip()
    return _user_id(spelled) if USER_ID.fullmatch(spelled) else ""
