"""The sentences that the phone page's script needs, to be translated with all others.

Knows nothing of when they are said.
"""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from whatsapp.sandbox.composer_words import ACCOUNT_GROUPS, composer_words

# What can be made to fail from the page: Graph error codes and the kinds of `Meta.fail_next`.
FAILURES = {
    "timeout_after_accept": gettext_lazy("Meta accepts the message, and its answer is lost"),
    "refused": gettext_lazy("Meta hangs up without an answer"),
    "html_500": gettext_lazy("Meta answers with an error page (500)"),
    "slow": gettext_lazy("Meta answers after five seconds"),
    "130429": gettext_lazy("Too many messages (130429)"),
    "131047": gettext_lazy("More than 24 hours have passed (131047)"),
    "131042": gettext_lazy("Nobody pays for this account (131042)"),
    "190": gettext_lazy("The access token was revoked: connect again (190)"),
}
MODEL_FAILURES = {
    "model:429": gettext_lazy("Too many requests (429)"),
    "model:529": gettext_lazy("The model is overloaded (529)"),
    "model:refusal": gettext_lazy("The model refuses"),
    "model:max_tokens": gettext_lazy("The answer is cut off"),
    "model:empty": gettext_lazy("The answer is empty"),
}
# What can be chosen in the dialog: every name of `scenarios.SCENARIOS`, beside those it resembles.
SCENARIO_GROUPS: dict[Promise, dict[str, Promise]] = {
    gettext_lazy("All goes well"): {
        "success": gettext_lazy("The number is connected"),
        "sixty_days": gettext_lazy("The access token ends after 60 days"),
        "coexistence": gettext_lazy("The number stays in the WhatsApp Business app too"),
        "already_connected": gettext_lazy("Café Alameda’s number, which is connected already"),
    },
    gettext_lazy("What the person does"): {
        "cancel": gettext_lazy("Cancels"),
        "missing_scope": gettext_lazy("Does not allow messages"),
        "several_accounts": gettext_lazy("Shares two WhatsApp accounts"),
        "several_numbers": gettext_lazy("Shares an account with two numbers"),
        "no_number": gettext_lazy("Shares an account without a number"),
    },
    gettext_lazy("Code and access token"): {
        "expired_code": gettext_lazy("The code has expired"),
        "used_code": gettext_lazy("The code has been used"),
        "other_app": gettext_lazy("The access token belongs to another app"),
    },
    gettext_lazy("Registering the number"): {
        "own_pin": gettext_lazy("The number has a PIN of its own: 135790"),
        "register_limit": gettext_lazy("Ten attempts have been made: wait 72 hours"),
        "verify_first": gettext_lazy("The number must be verified again first"),
    },
    gettext_lazy("Meta itself"): {
        "slow": gettext_lazy("Takes five seconds for each of the next calls"),
        "down_exchange": gettext_lazy("Fails once when the code is exchanged"),
        "down_debug_token": gettext_lazy("Fails once when the token is looked up"),
        "down_phone_numbers": gettext_lazy("Fails once when the numbers are read"),
        "down_subscribe": gettext_lazy("Fails once when the webhooks are subscribed to"),
        "down_register": gettext_lazy("Fails once when the number is registered"),
    },
}
# What can happen to the connection of the business on the phone; with `ACCOUNT_GROUPS`, all of `companies.DEEDS`.
DEEDS = {
    "remove_app": (gettext_lazy("The company removes the app"), gettext_lazy("its access tokens end")),
    "restrict": (gettext_lazy("Meta restricts the account"), gettext_lazy("nothing can be sent")),
    "lift_restriction": (gettext_lazy("Meta lifts the restriction"), gettext_lazy("all is well again")),
}


def script_words() -> dict[str, Any]:
    """All of them, in the language of the request."""
    return {
        "titles": _titles(),
        "routes": _routes(),
        "ticks": _ticks(),
        "page": _page(),
        "burst": _burst(),
        "deeds": _deeds(),
        "doctor": _doctor(),
        "composer": composer_words(),
    }


def _titles() -> dict[str, str]:
    return {
        "webhook.handshake": _("Meta asks whether the webhook is yours"),
        "webhook.message": _("A customer's message arrives"),
        "webhook.batch": _("Many messages arrive at once"),
        "webhook.echo": _("The business writes in its app"),
        "webhook.history": _("The app hands over an old chat"),
        "webhook.history_declined": _("The business shares no old chats"),
        "webhook.contacts_added": _("The app hands over its address book"),
        "webhook.contacts_removed": _("A customer was removed from the address book"),
        "webhook.duplicate": _("The same message arrives again"),
        "webhook.forged": _("A stranger forges a webhook"),
        "webhook.remove_app": _("The company has removed the app"),
        "webhook.restrict": _("The account is restricted"),
        "webhook.lift_restriction": _("The restriction is lifted"),
        "webhook.sent": _("Status: sent"),
        "webhook.delivered": _("Status: delivered"),
        "webhook.read": _("Status: read"),
        "webhook.played": _("Status: played"),
        "webhook.failed": _("Status: failed"),
        **{f"webhook.{name}": str(label) for group in ACCOUNT_GROUPS.values() for name, label in group.items()},
        "graph.exchange_code": _("The code becomes an access token"),
        "graph.refresh_token": _("The access token is renewed"),
        "graph.revoke_token": _("The access token is given up"),
        "graph.debug_token": _("What the token may do"),
        "graph.get": _("The product asks about the business"),
        "graph.get_phone_numbers": _("The product asks for the phone numbers"),
        "graph.get_subscribed_apps": _("The product asks who gets the webhooks"),
        "graph.post_subscribed_apps": _("The product subscribes to the webhooks"),
        "graph.delete_subscribed_apps": _("The product ends the subscription"),
        "graph.post_register": _("The product registers the number"),
        "graph.post_deregister": _("The product gives up the number"),
        "graph.post_smb_app_data": _("The product asks for the app's contacts and chats"),
        "graph.mark_read": _("Blue ticks, and the agent is typing"),
        "graph.send_text": _("The agent answers"),
        "graph.send_template": _("The business sends a template"),
        "graph.get_message_templates": _("The product asks for the templates"),
        "graph.get_media": _("The product asks where a file is"),
        "graph.download": _("The product downloads a file"),
        "graph.delete_media": _("The product deletes a file at Meta"),
        "model.reply": _("The model is asked"),
        "dialog.continued": _("A business was shared"),
        "dialog.cancelled": _("The dialog was cancelled"),
    }


def _routes() -> dict[str, str]:
    return {
        "webhook": _("Meta → product"),
        "graph": _("product → Meta"),
        "model": _("product → model"),
        "dialog": _("browser → Meta"),
    }


def _ticks() -> dict[str, str]:
    return {
        "accepted": _("Sent, not yet taken by the product"),
        "delivered": _("Delivered"),
        "read": _("Read"),
        "failed": _("Not delivered"),
    }


def _page() -> dict[str, str]:
    return {
        "online": _("online"),
        "typing": _("typing…"),
        "notConnected": _("not connected"),
        "restricted": _("restricted by Meta"),
        "windowClosed": _("24 hours have passed: templates only"),
        "windowTold": _(
            "24 hours have passed in this chat, for Meta alone: a text is refused with 131047, a template is not. "
            "What the customer writes or taps opens the window again."
        ),
        "connectedGroup": _("Connected"),
        "otherGroup": _("Not connected yet"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "you": _("You"),
        "request": _("Request"),
        "response": _("Response"),
        "noAnswer": _("no answer"),
        "emptyChat": _("Write something: the agent answers here."),
        "emptyChatOther": _(
            "This business is not connected. Connect it in the product, or write anyway: its messages go nowhere."
        ),
        "ready": _("The product answers"),
        "waiting": _("Looking for the product…"),
        "unreachable": _("The product does not answer. Messages wait here and are delivered when it is back."),
        "refused": _("The product refused the webhook: is META_WEBHOOK_VERIFY_TOKEN the same on both sides?"),
        "sandboxGone": _("The sandbox does not answer. Start it again: this page goes on by itself."),
        "duplicated": _("The last webhook is on its way again, byte for byte. The agent must not answer twice."),
        "nothingToDuplicate": _("Nothing to repeat yet: write a message first."),
        "forgedRefused": _("Refused with {status}, as it should be."),
        "forgedTaken": _("Taken with {status}: the product does not check signatures!"),
        "forgedUnanswered": _("The product did not answer."),
        "burstSent": _("Three messages are on their way at once. One answer should come."),
        "armed": _("Armed: {failure}. Now write a message."),
        "armedCount": _("{count} armed"),
        "copied": _("Copied"),
        "copy": _("Copy"),
    }


def _burst() -> list[str]:
    return [_("Hello!"), _("Are you open on Saturday?"), _("And can I pay by card?")]


def _deeds() -> dict[str, str]:
    return {
        "remove_app": _("{name} has removed the app: its access tokens are worth nothing now. Connect it again."),
        "restrict": _("Meta has restricted {name}. Nothing can be sent until the restriction is lifted."),
        "lift_restriction": _("Meta has lifted the restriction of {name}."),
    }


def _doctor() -> dict[str, str]:
    return {
        "well": _("All is well"),
        "ok": _("fine"),
        "warn": _("warning"),
        "bad": _("broken"),
        "unknown": _("not known"),
        "checked": _("looked at {time}"),
        "unchecked": _("not looked at yet"),
        "count": _("to look at: {count}"),
    }
