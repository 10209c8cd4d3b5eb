"""The phone page's composer in a real browser: every kind of message, and every way in which Meta can deliver it."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.test_browser import DESKTOP, PHONE, browser, language, page, pytestmark

__all__ = ["browser", "language", "page", "pytestmark"]


@pytest.fixture
def chat(platform, page: Page) -> Locator:
    """The phone's messages; whatever a script wrongly asks for or shows fails the test."""
    page.goto(f"http://127.0.0.1:{platform.sandbox}/")
    expect(page.get_by_role("textbox", name="Message")).to_be_enabled()
    return page.get_by_role("log")


def send(page: Page, kind: str, text: str = "", tab: str = "Customer") -> None:
    page.get_by_role("button", name="Send something else").click()
    page.get_by_role("tab", name=tab).click()
    page.get_by_label("Words, caption or emoji").fill(text)
    page.get_by_role("button", name=kind, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def deliver(page: Page, way: str) -> None:
    page.get_by_label("Delivery", exact=True).select_option(label=way)


def bubbles(chat: Locator) -> Locator:
    return chat.locator(".bubble.mine")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_customer_sends_a_picture_a_place_and_a_reaction(chat, page, size):
    page.set_viewport_size(size)
    send(page, "Photo", "Our table")
    picture = chat.get_by_role("img", name="Photo")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 480
    expect(chat.get_by_text("Our table")).to_be_visible()
    send(page, "Location")
    expect(chat.get_by_text("Plaza Mayor 1, Madrid")).to_be_visible()
    send(page, "Text", "One moment", tab="App")
    expect(chat.get_by_text("Written in the business’s app")).to_be_visible()
    send(page, "Reaction", "🙏")
    expect(chat.get_by_text("You reacted 🙏 to “One moment”")).to_be_visible()
    expect(chat.locator(".bubble .reaction")).to_have_text("🙏")
    expect(chat.locator("[data-tick] .tick.accepted")).to_have_count(0)  # the product has taken all of it
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_message_is_quoted_edited_and_deleted(chat, page):
    page.get_by_role("textbox", name="Message").fill("Tomorow")
    page.keyboard.press("Enter")
    send(page, "Edit", "Tomorrow")
    expect(bubbles(chat).filter(has_text="edited")).to_contain_text("Tomorrow")
    send(page, "Reply", "At nine")
    expect(bubbles(chat).locator("blockquote")).to_be_visible()
    send(page, "Delete")
    expect(chat.get_by_text("You deleted this message")).to_be_visible()


def test_what_is_composed_arrives_out_of_order_in_a_batch_or_not_at_all(chat, page):
    deliver(page, "Held back")
    for text in ("first", "second"):
        page.get_by_role("textbox", name="Message").fill(text)
        page.keyboard.press("Enter")
    expect(page.get_by_text("Held back: 2")).to_be_visible()
    expect(chat.locator(".tick.accepted")).to_have_count(2)
    page.get_by_role("button", name="Newest first").click()
    expect(page.get_by_text("Held back: 2")).to_be_hidden()
    arrived = page.locator("#events li").filter(has_text="A customer's message arrives").locator(".detail")
    expect(arrived).to_have_text(["first", "second"])  # the list begins with the last

    deliver(page, "As a batch")
    page.get_by_label("Messages in the batch").fill("10")
    send(page, "Sticker")
    expect(chat.get_by_role("img", name="Sticker")).to_have_count(10)
    expect(page.get_by_text("10 messages are on their way in one webhook.")).to_be_visible()
    expect(page.get_by_text("Many messages arrive at once")).to_have_count(1)
    expect(chat.locator(".tick.accepted")).to_have_count(0)

    deliver(page, "With a wrong signature")
    send(page, "Photo", "Not mine")
    expect(page.get_by_text("Refused with 401, as it should be.")).to_be_visible()
    expect(bubbles(chat)).to_have_count(12)


def test_a_status_is_sent_without_a_mouse_and_a_refusal_is_read_in_the_menu(chat, page):
    page.get_by_role("button", name="Send something else").focus()
    for key in ("Enter", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.get_by_role("tab", name="Statuses")).to_be_focused()
    for key in ("Tab", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("alert").filter(has_text="The business has not written")).to_be_visible()
    page.get_by_label("Of a message that nobody knows").check()
    page.get_by_role("button", name="Send the status").click()
    expect(page.get_by_role("button", name="Send something else")).to_be_focused()
    send(page, "Old chat", tab="App")
    page.get_by_role("button", name="Send something else").click()
    page.get_by_role("tab", name="Meta").click()
    page.get_by_role("button", name="Lower quality").click()
    for told in ("Status: read", "The app hands over an old chat", "Lower quality"):
        expect(page.locator("#events").get_by_text(told)).to_have_count(1)
    expect(page.locator("#events .chip.bad")).to_have_count(0)
