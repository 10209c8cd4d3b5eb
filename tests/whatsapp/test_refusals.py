"""The table of Meta's codes: whole, without a code twice, and with a sentence for each."""

from collections import Counter

import pytest

from whatsapp.refusals import REFUSALS, ROWS, Next, Refusal, Throttle, refusal_of

# Every code of Meta's page on errors, and those that only older pages and other libraries have.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
CODES = {
    *(0, 1, 2, 3, 4, 10, 33, 100, 101, 104, 190, *range(200, 300), 368, 613, 80007),
    *(130403, 130429, 130472, 130497),
    *(131000, 131005, 131008, 131009, 131016, 131021, 131026, 131030, 131031, 131035, 131037, 131042, 131044, 131045),
    *(131047, 131048, 131049, 131050, 131051, 131052, 131053, 131055, 131056, 131057, 131060, 131062, 131063, 131064),
    *(132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068, 132069),
    *(133000, 133004, 133005, 133006, 133008, 133009, 133010, 133015, 133016),
    *(134011, 135000, 137000, 139100, 139101, 139102, 139103, 2593107, 2593108, 2593109),
}


def test_every_code_stands_in_the_table_once():
    counted = Counter(code for codes, _refusal in ROWS for code in codes)
    assert set(counted) == CODES
    assert set(counted.values()) == {1}


@pytest.mark.parametrize(
    "refusal", [*(refusal for _codes, refusal in ROWS), refusal_of(999999)], ids=lambda refusal: str(refusal.what)
)
def test_every_refusal_says_what_has_happened_and_what_to_do(refusal: Refusal):
    assert str(refusal.what).endswith(".")
    assert str(refusal.to_do).endswith(".")
    assert refusal.next != Next.UNKNOWN


def test_whoever_is_to_be_slower_is_tried_again():
    slower = {refusal.next for refusal in REFUSALS.values() if refusal.throttle or refusal.few}
    assert slower == {Next.RETRY}


@pytest.mark.parametrize(
    ("code", "throttle"),
    [(4, Throttle.NUMBER), (80007, Throttle.NUMBER), (130429, Throttle.NUMBER), (131056, Throttle.PAIR), (2, None)],
)
def test_a_throttling_code_says_who_is_to_be_slower(code, throttle):
    assert refusal_of(code).throttle == throttle


def test_some_codes_tell_something_of_the_customer():
    assert {code for code, refusal in REFUSALS.items() if refusal.about} == {130403, 131026, 131050}
