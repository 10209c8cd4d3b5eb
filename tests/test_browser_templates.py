"""Templates on the simulated phone, in a real browser: the window closes, a template arrives, the customer answers."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.test_browser import DESKTOP, PHONE, browser, language, page, pytestmark, write
from tests.test_browser_composer import bubbles, chat
from tests.whatsapp.test_sandbox import text
from tests.whatsapp.test_sandbox_templates import ORDER, PICTURE, part, template, word
from whatsapp import signature
from whatsapp.sandbox.meta import DEMO, Meta

__all__ = ["browser", "chat", "language", "page", "pytestmark"]
Send = Callable[[dict[str, Any]], int]


@pytest.fixture
def send(platform, page: Page, meta: Meta) -> Send:
    """The business sends a message through the simulated Graph API; returns Meta's error code, 0 when there is none."""
    token = meta.token_for(DEMO)
    proof = signature.appsecret_proof(token, meta.app_secret)
    address = f"http://127.0.0.1:{platform.sandbox}/graph/v25.0/{DEMO.phone_number_id}/messages"

    def send(message: dict[str, Any]) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer = page.request.post(f"{address}?appsecret_proof={proof}", data=message, headers=headers).json()
        return int(answer["error"]["code"]) if "error" in answer else 0

    return send


def received(chat: Locator) -> Locator:
    return chat.locator(".bubble.is-template")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_template_reaches_the_customer_after_24_hours_and_a_tap_opens_the_window(chat, page, send, size):
    page.set_viewport_size(size)
    write(page, "¿Tenéis mesa?")
    page.get_by_role("button", name="24 hours pass").click()
    expect(page.get_by_text("24 hours have passed: templates only")).to_be_visible()
    assert send(text()) == 131047
    assert send(template("hello_again")) == 0
    expect(received(chat)).to_contain_text("¡Hola de nuevo!")
    assert send(text()) == 131047
    chat.get_by_role("button", name="Sí, por favor").click()
    expect(bubbles(chat).last).to_contain_text("Tapped a button")
    expect(bubbles(chat).last.locator("blockquote")).to_contain_text("¡Hola de nuevo!")
    expect(page.locator("#presence")).not_to_have_text("24 hours have passed: templates only")
    expect(chat.get_by_text("[The customer pressed a button:] Sí, por favor")).to_be_visible(timeout=15_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_template_is_shown_with_all_its_parts_and_its_link_leads_nowhere(chat, page, send):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert send(template("order_update", *ORDER, language="en_US")) == 0
    assert send(template("season_news", PICTURE, part("body", word("Lucía")))) == 0
    expect(received(chat)).to_have_count(2)
    order, news = received(chat).all()
    expect(order).to_contain_text("Order 1042")
    expect(order.locator(".words strong")).to_have_text("Café Alameda")
    expect(order).to_contain_text("You get this because you ordered something")
    expect(news.get_by_role("img", name="Picture of the template")).to_be_visible()
    order.get_by_role("button", name="Track the order: a link").click()
    expect(order.get_by_text("A customer would see https://shop.example/track/1042 now")).to_be_visible()
    order.get_by_role("button", name="Change the day").press("Enter")
    expect(bubbles(chat)).to_contain_text("Change the day")
    told = page.locator("#events li").filter(has_text="A customer's message arrives")
    told.locator("summary").click()
    expect(told).to_contain_text('"payload": "CHANGE-1042"')
    assert all(url.startswith("http://127.0.0.1:") for url in asked)
