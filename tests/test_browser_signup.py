"""Connecting a number in a real browser: success, cancelled, chosen among several, repaired; in English and Spanish."""

import re

import pytest
from playwright.sync_api import Page, expect

from tenants.models import ApiKey
from tests.test_browser import browser, language, page, pytestmark  # noqa: F401  (fixtures are found by their names)

HEADINGS = {
    "en-GB": {
        "cancelled": "You cancelled at Meta",
        "choose": "Which number shall be connected?",
        "pin": "This number has a PIN of its own",
        "down": "Meta does not answer at the moment",
        "connected": "Your number is connected",
    },
    "es-ES": {
        "cancelled": "Ha cancelado en Meta",
        "choose": "¿Qué número desea conectar?",
        "pin": "Este número tiene un PIN propio",
        "down": "Meta no responde en este momento",
        "connected": "Su número está conectado",
    },
}


@pytest.fixture
def key(stranger) -> str:
    key = ApiKey(tenant=stranger, name="browser")
    secret: str = key.make_secret()
    key.save()
    return secret


@pytest.mark.parametrize("language", HEADINGS)
def test_a_company_cancels_then_chooses_then_repairs(platform, key, language, page):  # noqa: F811
    said = HEADINGS[language]

    def signs_up(scenario: str, *, cancel: bool = False) -> None:
        begun = page.request.post(
            f"http://127.0.0.1:{platform.web}/v1/whatsapp/embedded-signup/session",
            headers={"Authorization": f"Bearer {key}"},
        )
        page.goto(begun.json()["connect_url"])
        page.locator("input[name=business]").nth(2).check()
        choose_scenario(page, scenario)
        page.locator(f"button[value={'cancel' if cancel else 'continue'}]").click()

    def sees(name: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_text(said[name])

    signs_up("success", cancel=True)
    sees("cancelled")
    signs_up("several_numbers")
    sees("choose")
    page.get_by_role("radio").nth(1).check()
    page.locator("main button[type=submit]").click()
    sees("connected")
    expect(page.get_by_text(re.compile("Northwind Bikes Express"))).to_be_visible()
    signs_up("own_pin")
    sees("pin")
    page.get_by_role("textbox").fill("135790")
    page.locator("main button[type=submit]").click()
    sees("connected")


@pytest.mark.parametrize("language", HEADINGS)
def test_an_outage_of_meta_is_repaired_on_the_page(platform, key, language, page):  # noqa: F811
    begun = page.request.post(
        f"http://127.0.0.1:{platform.web}/v1/whatsapp/embedded-signup/session",
        headers={"Authorization": f"Bearer {key}"},
    )
    page.goto(begun.json()["connect_url"])
    page.locator("input[name=business]").nth(2).check()
    choose_scenario(page, "down_subscribe")
    page.locator("button[value=continue]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADINGS[language]["down"])
    page.locator("main button[type=submit]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HEADINGS[language]["connected"])


def choose_scenario(page: Page, scenario: str) -> None:  # noqa: F811
    page.locator("[name=scenario]").select_option(scenario)
