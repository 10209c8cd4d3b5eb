"""Our own small types for what Meta's webhooks say. Knows nothing of Meta's JSON or of what is done with an item.

Every text in them can be stored as it is: no NUL, no half of a surrogate pair; absent is the empty string. `raw` is
Meta's own JSON of the item, untouched but for that.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody on WhatsApp: phone digits, business-scoped id, or both. Name and username are for display only.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
    """

    wa_id: str = ""
    user_id: str = ""
    name: str = ""
    username: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is anything to find this person by."""
        return bool(self.wa_id or self.user_id)


@dataclass(frozen=True)
class MediaReference:
    """Media that Meta keeps for us for seven days. `sha256` is in base64, as Meta says it; it may be missing.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
    """

    media_id: str
    mime_type: str = ""
    sha256: str = ""
    filename: str = ""


@dataclass(frozen=True)
class Content:
    """What a message says.

    `type` is Meta's word (`text`, `image`, `interactive` …), or `unsupported` for what neither Meta nor we can show.
    `text` holds the person's own words: body, caption, or the label of what was chosen. `details` is what there is
    beside them, small and of JSON types; its keys for each type stand in `whatsapp.payloads.contents`. `refers_to` is
    the wamid that is quoted, reacted to, edited or revoked.
    """

    type: str
    text: str = ""
    details: JSON = field(default_factory=dict)
    media: MediaReference | None = None
    refers_to: str = ""


@dataclass(frozen=True)
class Said:
    """A message of the conversation between this number and `customer`, whoever of the two said it."""

    phone_number_id: str
    wamid: str
    sent_at: datetime
    customer: Person
    content: Content
    raw: JSON


@dataclass(frozen=True)
class InboundMessage(Said):
    """The customer wrote. `becomes` is who the customer is from now on, when this is the news of a changed identity.

    An id that is empty in it is not told: it may be as before.
    """

    becomes: Person | None = None


@dataclass(frozen=True)
class Echo(Said):
    """A person of the business wrote in the WhatsApp Business app, or Meta's own bot did in the business's name.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-business-app-users
    """


@dataclass(frozen=True)
class PastMessage(Said):
    """A message from before the number came to us, imported. `status` is Meta's word in small letters, or empty.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history
    """

    from_business: bool = False
    status: str = ""


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message of ours. `callback_data` is what we sent along with it, when we did.

    `error_code` is None when Meta tells none: 0 is one of its codes.
    """

    phone_number_id: str
    wamid: str
    status: str
    at: datetime
    callback_data: str
    error_code: int | None
    error_detail: str
    pricing: JSON | None
    raw: JSON


@dataclass(frozen=True)
class SavedContact:
    """The business has saved a person in its address book (`contact.name` as there), changed or removed them."""

    phone_number_id: str
    contact: Person
    is_removed: bool
    at: datetime
    raw: JSON


@dataclass(frozen=True)
class ChangedIdentity:
    """Meta knows the person by other ids from now on."""

    phone_number_id: str
    before: Person
    after: Person
    at: datetime
    raw: JSON


@dataclass(frozen=True)
class MarketingWish:
    """The customer wants marketing messages no more (`stop`), or again (`resume`)."""

    phone_number_id: str
    customer: Person
    wish: str
    at: datetime
    raw: JSON


@dataclass(frozen=True)
class AccountUpdate:
    """Something about an account, or about one number of it. `detail` is Meta's word for what exactly.

    `display_phone_number` is digits, empty when the whole account is meant; `app_id` is empty when none is named;
    `at` is None when Meta does not say when. `raw` is the change's whole value.
    """

    waba_id: str
    display_phone_number: str
    field: str
    event: str
    detail: str
    app_id: str
    at: datetime | None
    raw: JSON


@dataclass(frozen=True)
class Skipped:
    """Something that is kept with its event and not acted upon, and why."""

    what: str


AboutNumber = (
    InboundMessage | Echo | PastMessage | StatusUpdate | SavedContact | ChangedIdentity | MarketingWish
)  # routed by phone_number_id
Item = AboutNumber | AccountUpdate | Skipped
