"""What companies and Meta itself do while the product is not asking: choose in the dialog, leave, restrict, pay.

Knows nothing of Graph calls; tells the product by webhooks.
"""

from whatsapp.sandbox import envelopes
from whatsapp.sandbox.announcements import ANNOUNCEMENTS, Deed
from whatsapp.sandbox.businesses import LINES, Business
from whatsapp.sandbox.failures import Armed
from whatsapp.sandbox.memory import Memory
from whatsapp.sandbox.scenarios import SCENARIOS


def stage(memory: Memory, armed: list[Armed], business: Business, scenario_name: str) -> None:
    """From now on the business's numbers are as the scenario says, and so are Meta's next answers."""
    scenario = SCENARIOS[scenario_name]
    for line in filter(lambda line: line.phone_number_id, scenario.shares(business)):
        memory.record("staged", phone_number_id=line.phone_number_id, scenario=scenario_name)
        if scenario.on_biz_app:  # the app has registered it, with a PIN that nobody knows
            memory.record("registered", phone_number_id=line.phone_number_id, pin_digest="")
        elif memory.registered.get(line.phone_number_id) == "":
            memory.record("deregistered", phone_number_id=line.phone_number_id)
    armed[:] = [one for one in armed if not one.by_dialog]
    if scenario.failure:
        armed.append(Armed(scenario.failure, scenario.times, scenario.calls, by_dialog=True))


def remove_app(memory: Memory, business: Business, wa_id: str) -> bytes:
    """The company takes its permission back: no token of it opens anything, and Meta says so, once per account."""
    accounts = {line.waba_id: line for line in LINES if line.client_business_id == business.client_business_id}
    leaving = [line for waba_id, line in accounts.items() if waba_id in {business.waba_id, *memory.subscribed}]
    memory.record("app_removed", business=business.client_business_id)
    for line in leaving:
        memory.record("unsubscribed", waba_id=line.waba_id)
    bodies = [envelopes.account_update(line, "PARTNER_REMOVED", memory.clock()) for line in leaving]
    return envelopes.combine(*bodies)


def restrict(memory: Memory, business: Business, wa_id: str) -> bytes:
    """Meta lets the account send nothing for a month."""
    memory.record("restricted", waba_id=business.waba_id)
    return envelopes.account_update(business, "ACCOUNT_RESTRICTION", memory.clock())


def lift_restriction(memory: Memory, business: Business, wa_id: str) -> bytes:
    """Meta thinks better of it."""
    memory.record("unrestricted", waba_id=business.waba_id)
    ban = {"waba_ban_state": "REINSTATE"}
    return envelopes.account_update(business, "DISABLED_UPDATE", memory.clock(), ban_info=ban)


# What each does to the business's connection, or to the customer of it that is named.
DEEDS: dict[str, Deed] = {
    "remove_app": remove_app,
    "restrict": restrict,
    "lift_restriction": lift_restriction,
    **ANNOUNCEMENTS,
}
