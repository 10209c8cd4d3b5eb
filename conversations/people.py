"""Who a customer is: one row for one person, by phone, by business-scoped user id, or by both.

Knows the rules of identity; nothing of messages, except that a person's conversations go where the person goes.
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q, QuerySet

from conversations.merging import merge
from conversations.models import WhatsappUser
from tenants.bulk import insert_each, update_each
from whatsapp.models import WhatsappConnection
from whatsapp.payloads import ChangedIdentity, MarketingWish, Person, SavedContact


class Scope(NamedTuple):
    """Where identities are unique: one tenant's customers in one business portfolio."""

    tenant_id: UUID
    portfolio_id: str

    @classmethod
    def of(cls, connection: WhatsappConnection) -> "Scope":
        return cls(connection.tenant_id, connection.portfolio_id)

    def rows(self) -> QuerySet[WhatsappUser]:
        return WhatsappUser.objects.filter(tenant_id=self.tenant_id, portfolio_id=self.portfolio_id)


@dataclass
class _Known:
    """The rows that any of some persons may be, found by either identity."""

    by_wa_id: dict[str, WhatsappUser] = field(default_factory=dict)
    by_user_id: dict[str, WhatsappUser] = field(default_factory=dict)

    @classmethod
    def among(cls, scope: Scope, persons: Iterable[Person]) -> "_Known":
        return cls.of(scope.rows().filter(_is_one_of(persons)))

    @classmethod
    def of(cls, rows: Iterable[WhatsappUser]) -> "_Known":
        known = cls()
        for row in rows:
            known.add(row)
        return known

    def add(self, row: WhatsappUser) -> None:
        if row.wa_id:
            self.by_wa_id[row.wa_id] = row
        if row.user_id:
            self.by_user_id[row.user_id] = row

    def identify(self, person: Person) -> WhatsappUser | None:
        """The person's row, with both identities as they are now.

        By user id before phone, for phones change hands: a phone that comes with another user id belongs to somebody
        else now, who must not see what its former owner said. A row that is known by the phone alone is the same
        person as one known by the user id alone when a message brings both.
        """
        by_id, by_phone = self.by_user_id.get(person.user_id), self.by_wa_id.get(person.wa_id)
        if by_phone is not None and by_phone is not by_id and person.user_id:
            if by_id is None and not by_phone.user_id:
                by_id = by_phone
            else:
                self.give_way(by_phone, by_id or by_phone, person)
        row = by_id or (by_phone if not person.user_id else None)
        if row is not None:
            self._complete(row, person)
        return row

    def give_way(self, other: WhatsappUser, row: WhatsappUser, person: Person) -> None:
        """`row` is the person now: a row with another user id only loses the phone, any other is the same person."""
        if person.user_id and other.user_id not in (None, person.user_id):
            self._take_phone(other)
        else:
            merge(row, other)
            self.add(row)

    def _take_phone(self, row: WhatsappUser) -> None:
        self.by_wa_id.pop(row.wa_id or "")
        row.wa_id = None
        row.save(update_fields=["wa_id"])

    def _complete(self, row: WhatsappUser, person: Person) -> None:
        """What the person is known by now; what they were known by and is not mentioned stays."""
        changed = {
            name: value
            for name, value in (("wa_id", person.wa_id), ("user_id", person.user_id))
            if value and getattr(row, name) != value
        }
        for name, value in changed.items():
            setattr(row, name, value)
        if changed:
            row.save(update_fields=list(changed))
            self.add(row)


def _is_one_of(persons: Iterable[Person]) -> Q:
    phones = {person.wa_id for person in persons if person.wa_id}
    ids = {person.user_id for person in persons if person.user_id}
    return Q(wa_id__in=phones) | Q(user_id__in=ids)


def find_or_make_each(
    persons: Sequence[tuple[Scope, Person]], rows: Sequence[WhatsappUser]
) -> tuple[list[WhatsappUser], bool]:
    """The same for persons of several scopes, given the rows that they may be.

    And whether those rows are still what they were: none has become part of another, and none was read again.
    """
    known: dict[Scope, list[WhatsappUser]] = defaultdict(list)
    for row in rows:
        known[Scope(row.tenant_id, row.portfolio_id)].append(row)
    places: dict[Scope, list[int]] = defaultdict(list)
    for place, (scope, _person) in enumerate(persons):
        places[scope].append(place)
    users: dict[int, WhatsappUser] = {}
    for scope, its in sorted(places.items()):  # in one order, so that nobody waits for who waits for us
        found = _find_or_make(scope, [persons[place][1] for place in its], _Known.of(known[scope]))
        users.update(zip(its, found, strict=True))
    given = {row.pk: row for row in rows}  # a merged row has lost its key
    are_same = None not in given and all(given.get(user.pk, user) is user for user in users.values())
    return [users[place] for place in range(len(persons))], are_same


def find_or_make(scope: Scope, persons: Sequence[Person]) -> list[WhatsappUser]:
    """A row for each of the persons, made where there was none; of two callers at once, both get the same."""
    return _find_or_make(scope, persons, _Known.among(scope, persons))


def _find_or_make(scope: Scope, persons: Sequence[Person], known: _Known) -> list[WhatsappUser]:
    if new := [person for person in persons if known.identify(person) is None]:
        known = _made(scope, new, known) or _Known.among(scope, persons)
    for person in persons:
        known.identify(person)
    found = [known.identify(person) for person in persons]  # once more: a later person may have merged two rows
    users = [user for user in found if user is not None]
    if len(users) < len(persons):
        raise IntegrityError("Somebody else is making the same customers.")
    _name(users, persons)
    return users


def _made(scope: Scope, persons: Sequence[Person], known: _Known) -> _Known | None:
    """A row for each of these persons besides those that are known; None when not all of them were new."""
    rows = {
        (person.wa_id, person.user_id): WhatsappUser(
            tenant_id=scope.tenant_id,
            portfolio_id=scope.portfolio_id,
            wa_id=person.wa_id or None,
            user_id=person.user_id or None,
            name=person.name,
            username=person.username,
        )
        for person in sorted(persons, key=lambda person: (person.wa_id, person.user_id))
    }
    if len(insert_each(list(rows.values()), once=True)) < len(rows):
        return None
    for row in rows.values():
        known.add(row)
    return known


def _name(users: Sequence[WhatsappUser], persons: Sequence[Person]) -> None:
    """The names that the persons go by now."""
    renamed = {}
    for user, person in zip(users, persons, strict=True):
        name, username = person.name or user.name, person.username or user.username
        if (name, username) != (user.name, user.username):
            user.name, user.username = name, username
            renamed[user.pk] = user
    update_each(list(renamed.values()), "name", "username")


def become(scope: Scope, before: Person, after: Person) -> bool:
    """Meta knows this person by other ids from now on. False when we did not know them.

    With another phone Meta gives a person another user id too, and may say so later or not at all: the old one goes.
    """
    known = _Known.among(scope, [before, after])
    row = known.by_user_id.get(before.user_id) or known.by_wa_id.get(before.wa_id)
    if row is None:
        return False
    if after.wa_id and after.wa_id != row.wa_id and not after.user_id:
        row.user_id = None
    for other in (known.by_user_id.get(after.user_id), known.by_wa_id.get(after.wa_id)):
        if other is not None and other.pk not in (None, row.pk):  # None: merged a moment ago
            known.give_way(other, row, after)
    row.wa_id, row.user_id = after.wa_id or row.wa_id, after.user_id or row.user_id
    row.save(update_fields=["wa_id", "user_id"])
    return True


def hear_of_change(item: ChangedIdentity, connection: WhatsappConnection) -> str:
    """Meta says that somebody's ids have changed. Returns in a word what became of it."""
    known = become(Scope.of(connection), item.before, item.after)
    return "changed identity" if known else "changed identity of nobody we know"


def save_contact(item: SavedContact, connection: WhatsappConnection) -> str:
    """The business's address book says who somebody is; an older word of it does not undo a newer one."""
    scope = Scope.of(connection)
    contact = Person(item.contact.wa_id, item.contact.user_id, username=item.contact.username)
    if item.is_removed:
        found = _Known.among(scope, [contact])
        user = found.by_user_id.get(contact.user_id) or found.by_wa_id.get(contact.wa_id)
        if user is None:
            return "removed contact of nobody we know"
    else:
        [user] = find_or_make(scope, [contact])
    if user.contact_at is not None and user.contact_at >= item.at:
        return "old contact"
    user.contact_name, user.contact_at = "" if item.is_removed else item.contact.name, item.at
    user.save(update_fields=["contact_name", "contact_at"])
    return "contact"


def note_wish(item: MarketingWish, connection: WhatsappConnection) -> str:
    """The customer wants marketing messages no more, or again; the newest word counts."""
    [user] = find_or_make(Scope.of(connection), [item.customer])
    if user.marketing_at is not None and user.marketing_at >= item.at:
        return "old marketing wish"
    user.marketing, user.marketing_at = item.wish, item.at
    user.save(update_fields=["marketing", "marketing_at"])
    return f"marketing: {item.wish[:20]}"
