"""Staff open a conversation again with a template, in a real browser, while the customer holds the simulated phone."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes import Platform, wait_for
from tests.test_browser import browser, language, open_the_conversation, page, pytestmark, staff, write
from tests.test_browser_composer import bubbles, chat
from tests.test_browser_templates import received

__all__ = ["browser", "chat", "language", "page", "pytestmark", "staff"]
VALUES = {
    "Header: in the place of {{order_number}}": "1042",
    "Text: in the place of {{customer_name}}": "Grace",
    "Text: in the place of {{delivery_day}}": "on Friday",
    "Button “Track the order”: the end of its address": "1042",
}
READ = "Hi Grace, your order from *Café Alameda* is on its way. It should arrive on Friday."


@pytest.fixture
def desk(staff: str, platform: Platform, chat: Locator, page: Page) -> Page:
    """What staff see of the conversation; the customer wrote once, and the phone says that it was a day ago."""
    write(page, "¿Tenéis mesa?")
    page.get_by_role("button", name="24 hours pass").click()
    expect(page.get_by_text("24 hours have passed: templates only")).to_be_visible()
    desk = page.context.new_page()
    open_the_conversation(desk, platform, staff)
    return desk


def reads_the_templates(desk: Page) -> None:
    """On the page of the conversation's number, from where it is a step back."""
    conversation = desk.url
    desk.get_by_role("link", name="+34 910 555 010").click()
    desk.get_by_role("button", name="Read at Meta again").click()
    wait_for(lambda: desk.get_by_text("Last read at Meta at").count() or not desk.reload())
    desk.goto(conversation)


def said(desk: Page, text: str) -> Locator:
    """The bubble with this text, once it is there; the page does not change by itself."""
    found = desk.locator(".chat .bubble").filter(has_text=text)
    wait_for(lambda: found.count() or not desk.reload())
    return found


def is_refused_a_text(desk: Page) -> None:
    desk.get_by_label("Your message to the customer").fill("¿Sigue interesada?")
    desk.get_by_role("button", name="Send", exact=True).click()
    failed = said(desk, "Failed")
    expect(failed).to_contain_text("¿Sigue interesada?")
    expect(failed).to_contain_text("More than 24 hours have passed since the customer's last message.")
    failed.get_by_text("in detail").click()
    expect(failed.get_by_text("Meta's code 131047")).to_be_visible()
    failed.get_by_role("link", name="Send a template").click()


def fills_in(desk: Page) -> None:
    desk.get_by_label("Approved template").select_option(label="order_update (en_US)")
    desk.get_by_role("button", name="Choose").click()
    desk.get_by_role("button", name="Read it first").press("Enter")
    for label, value in VALUES.items():
        field = desk.get_by_label(label)
        expect(field).to_have_accessible_description(f"For example: {value} This field is required.")
        field.fill(value)
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("group", name="What the customer will read")).to_contain_text(READ)


def test_staff_open_a_closed_conversation_and_the_agent_takes_what_is_tapped(desk, chat):
    reads_the_templates(desk)
    is_refused_a_text(desk)
    fills_in(desk)
    desk.get_by_role("button", name="Send", exact=True).click()
    expect(desk.get_by_text("The template is on its way.")).to_be_visible()
    expect(received(chat)).to_contain_text("It should arrive on Friday.")
    desk.get_by_role("button", name="Hand back to the agent").click()
    received(chat).get_by_role("button", name="Change the day").click()
    expect(bubbles(chat).last).to_contain_text("Change the day")
    answer = "[The customer pressed a button:] Change the day"
    expect(chat.get_by_text(answer)).to_be_visible(timeout=15_000)
    said(desk, answer)
    told = desk.locator(".chat .said").all_inner_texts()
    wanted = ["¿Tenéis mesa?", "You wrote", "¿Sigue interesada?", READ, "Change the day", answer]
    assert [want in text for want, text in zip(wanted, told, strict=True)] == [True] * len(wanted)
    assert chat.get_by_text("¿Sigue interesada?").count() == 0
