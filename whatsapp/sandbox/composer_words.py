"""The words of the phone page's composer and of the bubbles, to be translated with all others.

Knows nothing of when they are said.
"""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

Group = dict[str, Promise]
# What a customer can send besides a text: every other name of `composing.KINDS`, beside those it resembles.
CUSTOMER_GROUPS: dict[Promise, Group] = {
    gettext_lazy("Media"): {
        "image": gettext_lazy("Photo"),
        "video": gettext_lazy("Video"),
        "voice": gettext_lazy("Voice message"),
        "audio": gettext_lazy("Audio file"),
        "document": gettext_lazy("Document"),
        "sticker": gettext_lazy("Sticker"),
        "location": gettext_lazy("Location"),
        "contacts": gettext_lazy("Contact card"),
    },
    gettext_lazy("Answers"): {
        "button_reply": gettext_lazy("Button"),
        "list_reply": gettext_lazy("Choice from a list"),
        "flow_reply": gettext_lazy("Filled-in form"),
        "template_button": gettext_lazy("Button of a template"),
        "order": pgettext_lazy("purchase", "Order"),
    },
    gettext_lazy("About a message"): {
        "reply": gettext_lazy("Reply"),
        "reaction": gettext_lazy("Reaction"),
        "reaction_removed": gettext_lazy("Reaction taken back"),
        "edit": gettext_lazy("Edit"),
        "revoke": gettext_lazy("Delete"),
    },
    gettext_lazy("Where it comes from"): {
        "forwarded": gettext_lazy("Forwarded message"),
        "ad_referral": gettext_lazy("Message after an ad"),
        "group": gettext_lazy("Message in a group"),
        "changed_number": gettext_lazy("New phone number"),
        "changed_user_id": gettext_lazy("New user id"),
    },
    gettext_lazy("Odd things"): {
        "unsupported": gettext_lazy("Unsupported message"),
        "unknown": gettext_lazy("Unknown type"),
        "interactive_without_object": gettext_lazy("Answer without content"),
    },
}
# What the WhatsApp Business app tells: every name of `chats.APP_KINDS`, and what it hands over at once.
APP_GROUPS: dict[Promise, Group] = {
    gettext_lazy("Somebody of the business writes"): {
        "app_text": gettext_lazy("Text"),
        "app_image": gettext_lazy("Photo"),
        "app_edit": gettext_lazy("Edit"),
        "app_revoke": gettext_lazy("Delete"),
    },
    gettext_lazy("The app hands over"): {
        "history": gettext_lazy("Old chat"),
        "history_declined": gettext_lazy("Old chats, declined"),
        "contacts_added": gettext_lazy("Address book"),
        "contacts_removed": gettext_lazy("Customer removed from it"),
    },
}
# What Meta announces: every name of `announcements.ANNOUNCEMENTS`.
ACCOUNT_GROUPS: dict[Promise, Group] = {
    gettext_lazy("The number"): {
        "quality": gettext_lazy("Lower quality"),
        "name_approved": gettext_lazy("Name approved"),
        "pin_changed": gettext_lazy("PIN changed"),
        "number_error": gettext_lazy("Error of the number"),
    },
    gettext_lazy("The account"): {
        "review": gettext_lazy("Account approved"),
        "alert": gettext_lazy("Alert"),
        "capability": gettext_lazy("New limits"),
    },
    gettext_lazy("The template booking_reminder"): {
        "template_approved": gettext_lazy("Template approved"),
        "template_rejected": gettext_lazy("Template rejected"),
        "template_paused": gettext_lazy("Template paused"),
        "template_disabled": gettext_lazy("Template disabled"),
        "template_quality": gettext_lazy("Template’s quality changed"),
        "template_category": gettext_lazy("Template’s category changed"),
    },
    gettext_lazy("The customer"): {
        "marketing_stop": gettext_lazy("Stops marketing"),
        "marketing_resume": gettext_lazy("Resumes marketing"),
        "user_id_update": gettext_lazy("User id updated"),
    },
    gettext_lazy("Odd things"): {"unknown_field": gettext_lazy("Unknown field")},
}
# Every name of `people.IDENTITIES`, of `desk.STATUSES`, and the ways of `webhooks.MODES` with one for batches.
IDENTITIES = {
    "both": gettext_lazy("Phone number and user id"),
    "phone": gettext_lazy("Phone number only"),
    "user_id": gettext_lazy("User id only, with a username"),
}
STATUSES = {
    "sent": gettext_lazy("Sent"),
    "delivered": gettext_lazy("Delivered"),
    "read": gettext_lazy("Read"),
    "played": gettext_lazy("Played"),
    "failed": gettext_lazy("Failed"),
}
WAYS = {
    "normal": gettext_lazy("Once"),
    "twice": gettext_lazy("Twice, byte for byte"),
    "hold": gettext_lazy("Held back"),
    "batch": gettext_lazy("As a batch"),
    "forged": gettext_lazy("With a wrong signature"),
}
# What can be wrong with a file: every name of `failures.MEDIA`.
MEDIA_FAILURES = {
    "media_gone": gettext_lazy("The file is gone (100/33)"),
    "media_expired": gettext_lazy("Its address has expired (404)"),
    "media_broken": gettext_lazy("Its bytes are broken"),
    "media_huge": gettext_lazy("It is too large (6 MB)"),
    "media_foreign_host": gettext_lazy("Its address leads to another host"),
}


def composer_words() -> dict[str, Any]:
    """All that the scripts need, in the language of the request."""
    groups = [*CUSTOMER_GROUPS.values(), *APP_GROUPS.values(), *ACCOUNT_GROUPS.values()]
    labels = {name: str(label) for group in groups for name, label in group.items()}
    return {"labels": labels, "samples": _samples(), "bubbles": _bubbles(), "notices": _notices()}


def _samples() -> dict[str, str]:
    """What is said when the person writes nothing."""
    return {
        "button_reply": _("Book a table"),
        "list_reply": _("A table on the terrace"),
        "flow_reply": _("By the window, please"),
        "template_button": _("Confirm"),
        "reply": _("Yes, that one"),
        "forwarded": _("Have you seen this?"),
        "ad_referral": _("I saw your ad"),
        "edit": _("I meant tomorrow"),
        "group": _("Hello everybody"),
        "app_text": _("One moment, I am looking it up"),
        "app_edit": _("One moment, please"),
    }


def _bubbles() -> dict[str, str]:
    return {
        "echo": _("Written in the business’s app"),
        "forwarded": _("Forwarded"),
        "ad": _("From an ad"),
        "group": _("In a group"),
        "hidden": _("Without a phone number: {username}"),
        "button": _("Tapped a button"),
        "picture": _("Picture of the template"),
        "link": _("{text}: a link of the template; from here it leads nowhere"),
        "linkTold": _("A customer would see {url} now"),
        "list": _("Chose from a list"),
        "form": _("Filled in a form"),
        "order": pgettext("purchase", "Order"),
        "total": _("Total"),
        "play": _("Play"),
        "pause": _("Pause"),
        "edited": _("edited"),
        "youDeleted": _("You deleted this message"),
        "theyDeleted": _("This message was deleted"),
        "unsupported": _("A message that Meta does not pass on ({code})"),
        "unknown": _("A message of the type “{type}”, which nobody knows"),
        "empty": _("An answer that came without its content ({code})"),
        "you": _("You"),
        "anEarlier": _("an earlier message"),
        "youReacted": _("You reacted {emoji} to “{message}”"),
        "youTookBack": _("You took back your reaction to “{message}”"),
        "youEdited": _("You edited “{message}”"),
        "youRevoked": _("You deleted “{message}”"),
        "appEdited": _("“{message}” was edited in the business’s app"),
        "appRevoked": _("“{message}” was deleted in the business’s app"),
        "changedNumber": _("Your number is now +{wa_id}: choose it above to write with it"),
        "changedUserId": _("This business knows you by a new user id"),
    }


def _notices() -> dict[str, str]:
    return {
        "lastFitting": _("The last one that fits"),
        "held": _("Held back: {count}"),
        "released": _("On their way: {count}"),
        "twice": _("The same bytes are on their way twice. The agent must not answer twice."),
        "batch": _("{count} messages are on their way in one webhook."),
        "announced": _("On its way: {label}"),
    }
