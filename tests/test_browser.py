"""The pages in a real browser, against the real processes: write, be answered, connect a second company, look it up."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tenants.models import ApiKey
from tests.processes import Platform

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Sandboxing needs rights that a container's root does not have; the rest keeps Chromium from calling home.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
]
PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=800)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no Chromium on this machine"),
]


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture
def language() -> str:
    """The browser's; a test may choose another one."""
    return "en-GB"


@pytest.fixture
def page(browser: Browser, language: str) -> Iterator[Page]:
    """A page on which any error of a script, or anything that the content policy stops, fails the test; so do those
    that are opened beside it."""
    context = browser.new_context(viewport=DESKTOP, locale=language)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    stopped = "Content Security"
    context.on("console", lambda message: complaints.append(message.text) if stopped in message.text else None)
    yield context.new_page()
    assert complaints == []


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message").fill(text)
    page.keyboard.press("Enter")
    answer = page.get_by_role("log").get_by_text(f'You wrote: "{text}"')
    expect(answer).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_customer_writes_on_the_phone_and_sees_the_answer_and_the_ticks(platform, page, size):
    page.set_viewport_size(size)
    page.goto(f"http://127.0.0.1:{platform.sandbox}/")
    write(page, "¿A qué hora abrís?")
    expect(page.locator("#chat svg.tick.read")).to_be_visible()
    expect(page.locator("#events").get_by_text("Status: read")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.fixture
def strangers_key(stranger) -> str:
    key = ApiKey(tenant=stranger, name="browser")
    secret = key.make_secret()
    key.save()
    return secret


def test_a_second_company_connects_through_metas_dialog_and_is_answered(platform, strangers_key, page):
    ours, authorization = f"http://127.0.0.1:{platform.web}", {"Authorization": f"Bearer {strangers_key}"}
    begun = page.request.post(f"{ours}/v1/whatsapp/embedded-signup/session", headers=authorization)
    page.goto(begun.json()["connect_url"])
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="You cancelled at Meta")).to_be_visible()
    begun = page.request.post(f"{ours}/v1/whatsapp/embedded-signup/session", headers=authorization)
    page.goto(begun.json()["connect_url"])
    page.get_by_role("radio", name="Northwind Bikes").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Your number is connected")).to_be_visible()
    connection = page.request.get(f"{ours}/v1/whatsapp/connection", headers=authorization).json()
    assert (connection["status"], connection["verified_name"]) == ("CONNECTED", "Northwind Bikes")
    page.goto(f"http://127.0.0.1:{platform.sandbox}/")
    page.get_by_label("Business", exact=True).select_option("101700000000003")
    write(page, "Do you repair bikes?")


@pytest.fixture
def staff(db) -> str:
    """The password of a staff user named `ana`."""
    password = "a passphrase of the tests"
    get_user_model().objects.create_superuser("ana", password=password)
    return password


def open_the_conversation(page: Page, platform: Platform, password: str) -> None:
    """Ana signs in and looks at what Lucía and the business have said to each other."""
    page.goto(f"http://127.0.0.1:{platform.web}/admin/")
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_text("ana", exact=True).first).to_be_visible()
    page.goto(f"http://127.0.0.1:{platform.web}/admin/conversations/conversation/")
    page.get_by_role("link", name="Lucía").first.click()


def test_staff_read_the_conversation_as_a_chat(platform, staff, page):
    page.goto(f"http://127.0.0.1:{platform.sandbox}/")
    write(page, "¿Tenéis mesa?")
    open_the_conversation(page, platform, staff)
    expect(page.get_by_text("¿Tenéis mesa?", exact=True)).to_be_visible()
    expect(page.get_by_text("Simulated answer")).to_be_visible()
