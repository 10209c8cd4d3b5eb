// The phone page: asks the sandbox what is new, and lets a customer write.

import { act, state } from "./api.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { Doctor } from "./doctor.js";
import { $, element, fill, timeOf, words } from "./dom.js";
import { Timeline } from "./timeline.js";

const EVERY = 700; // milliseconds
const NOTICE_LIVES = 9000;

const timeline = new Timeline();
const doctor = new Doctor();
const messages = new Map();
const chat = new Chat({
  message: (wamid) => messages.get(wamid),
  business: () => $("chat-name").textContent,
  tap: (message, text) => tap(message, text),
});
let seen = 0;
let businesses = [];
let [business, customer] = decodeURIComponent(location.hash.slice(1)).split("/");
let noticeTimer = 0;

const here = () => [...messages.values()].filter((item) => item.phone_number_id === business && item.wa_id === customer);
const chosen = () => ({ phone_number_id: business, wa_id: customer });

// ── What is new ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function look() {
  try {
    let news = await state(seen, business);
    if (news.number < seen) {
      forget(); // another sandbox, with less behind it
      news = await state(0, business);
    }
    take(news);
  } catch (error) {
    if (!(error instanceof TypeError) && !String(error.message).startsWith("state")) throw error;
    banner(words.page.sandboxGone);
    product("unreachable");
  } finally {
    setTimeout(look, EVERY);
  }
}

function forget() {
  seen = 0;
  messages.clear();
  timeline.clear();
}

function take(news) {
  const isFirst = seen === 0;
  choices(news);
  for (const message of news.messages) takeMessage(message, isFirst);
  $("no-events").hidden ||= messages.size > 0;
  if (isFirst) begin();
  timeline.add(news.events, isFirst);
  presence(news.typing, news.closed);
  armed(news.armed);
  composer.showHeld(news.held);
  doctor.show(news.doctor);
  product(news.product);
  banner(["unreachable", "refused"].includes(news.product) ? words.page[news.product] : "");
  seen = news.number;
  $("clock").textContent = timeOf(Date.now() / 1000);
}

function takeMessage(message, isFirst) {
  const isKnown = messages.has(message.wamid);
  messages.set(message.wamid, message);
  if (isFirst || message.phone_number_id !== business || message.wa_id !== customer) return;
  isKnown ? chat.mark(message) : chat.add(message);
}

// ── Who talks to whom ─────────────────────────────────────────────────────────────────────────────────────────────────

function choices(news) {
  if (JSON.stringify(news.businesses) !== JSON.stringify(businesses)) {
    businesses = news.businesses;
    businessOptions();
  }
  if ($("customer").childElementCount !== news.customers.length) customerOptions(news.customers);
}

function businessOptions() {
  const group = (label, items) => {
    const options = items.map((item) => element("option", { value: item.phone_number_id }, item.name));
    return options.length ? [element("optgroup", { label }, ...options)] : [];
  };
  $("business").replaceChildren(
    ...group(words.page.connectedGroup, businesses.filter((item) => item.connected)),
    ...group(words.page.otherGroup, businesses.filter((item) => !item.connected)),
  );
  business = pick($("business"), business);
  if (seen) head();
}

function customerOptions(customers) {
  // Whoever has a new number is there twice.
  const alike = (item) => customers.filter((other) => other.name === item.name).length > 1;
  const label = (item) => (alike(item) ? `${item.name} · +${item.wa_id}` : item.name);
  $("customer").replaceChildren(...customers.map((item) => element("option", { value: item.wa_id }, label(item))));
  customer = pick($("customer"), customer);
}

function pick(select, value) {
  if ([...select.options].some((option) => option.value === value)) select.value = value;
  return select.value;
}

function head() {
  const shown = businesses.find((item) => item.phone_number_id === business);
  $("chat-name").textContent = shown.name;
  $("avatar").textContent = shown.name[0];
  return shown;
}

function showChat() {
  chat.show(here(), head().connected ? words.page.emptyChat : words.page.emptyChatOther);
  history.replaceState(null, "", `#${business}/${customer}`);
}

function begin() {
  showChat();
  $("composer-text").disabled = $("send").disabled = $("more").disabled = false; // now it is known who writes to whom
}

function choose() {
  business = $("business").value;
  customer = $("customer").value;
  showChat();
}

function presence(typing, closed) {
  const isHere = ([number, wa_id]) => number === business && wa_id === customer;
  const isTyping = typing.some(isHere);
  const usual = closed.some(isHere) ? "windowClosed" : "online";
  const { connected, restricted } = businesses.find((item) => item.phone_number_id === business);
  const text = isTyping ? "typing" : !connected ? "notConnected" : restricted ? "restricted" : usual;
  if ($("presence").textContent !== words.page[text]) $("presence").textContent = words.page[text];
  $("presence").classList.toggle("typing", isTyping);
  chat.type(isTyping);
}

// ── Signs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

function banner(text) {
  if ($("banner").textContent !== text) $("banner").textContent = text;
  $("banner").hidden = !text;
}

function product(name) {
  if ($("product").dataset.state === name) return;
  $("product").dataset.state = name;
  $("product-text").textContent = name === "ready" || name === "waiting" ? words.page[name] : words.page.noAnswer;
}

function armed(items) {
  const count = items.reduce((sum, item) => sum + item.times, 0);
  $("armed").hidden = !count;
  $("armed").textContent = fill(words.page.armedCount, { count });
}

function notice(text, isBad = false) {
  clearTimeout(noticeTimer);
  $("notice").textContent = text;
  $("notice").classList.toggle("bad", isBad);
  $("notice").hidden = false;
  noticeTimer = setTimeout(() => ($("notice").hidden = true), NOTICE_LIVES);
}

// ── What a person does ────────────────────────────────────────────────────────────────────────────────────────────────

const trying = (deed) => (event) => {
  event?.preventDefault();
  deed(event).catch((error) => notice(error instanceof TypeError ? words.page.sandboxGone : error.message, true));
};

const composer = new Composer({ chosen, here, notice, trying });

const send = trying(async () => {
  const field = $("composer-text");
  const text = field.value;
  if (!text.trim()) return;
  field.value = "";
  try {
    await composer.send("text", text);
  } catch (error) {
    field.value = text; // what was written is not lost
    throw error;
  }
});

const lastWords = () => here().findLast((item) => item.from_customer && item.body)?.body ?? "";

function keys(event) {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  if (event.key === "ArrowUp" && !event.target.value && lastWords()) {
    event.preventDefault();
    event.target.value = lastWords();
  }
}

const forge = trying(async () => {
  composer.forged((await act("forge")).status);
});

const duplicate = trying(async () => {
  const { sent } = await act("duplicate");
  notice(sent ? words.page.duplicated : words.page.nothingToDuplicate, !sent);
});

const burst = trying(async () => {
  await act("burst", { ...chosen(), texts: words.burst });
  notice(words.page.burstSent);
});

const closeWindow = trying(async () => {
  await act("window", chosen());
  notice(words.page.windowTold);
});

const tap = (message, text) => trying(() => composer.send("template_button", text, { about: message.wamid }))();

const bring = trying(async (click) => {
  const deed = click.target.closest("button")?.dataset.deed;
  if (!deed) return;
  await composer.bring(deed, fill(words.deeds[deed], { name: head().name }));
});

const arm = trying(async () => {
  const select = $("failure");
  await act("failures", { kind: select.value });
  notice(fill(words.page.armed, { failure: select.selectedOptions[0].text }));
  select.value = "";
});

const addCustomer = trying(async () => {
  const { wa_id } = await act("customers", { name: $("customer-name").value });
  $("customer-dialog").close();
  customer = wa_id;
  take(await state(seen, business));
  choose();
  $("composer-text").focus();
});

function askForName() {
  $("customer-form").reset();
  $("customer-dialog").showModal();
}

$("composer").addEventListener("submit", send);
$("composer-text").addEventListener("keydown", keys);
$("business").addEventListener("change", choose);
$("customer").addEventListener("change", choose);
$("new-customer").addEventListener("click", askForName);
$("customer-cancel").addEventListener("click", () => $("customer-dialog").close());
$("customer-form").addEventListener("submit", addCustomer);
$("duplicate").addEventListener("click", duplicate);
$("burst").addEventListener("click", burst);
$("forge").addEventListener("click", forge);
$("close-window").addEventListener("click", closeWindow);
$("deeds").addEventListener("click", bring);
$("failures").addEventListener("submit", arm);
look();
