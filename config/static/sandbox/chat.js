// The chat on the phone: bubbles, days, ticks, typing. Knows nothing of how messages come and go.

import { contents, formatted, happened, isEvent } from "./contents.js";
import { $, dayOf, element, icon, timeOf, words } from "./dom.js";
import { buttons, footer } from "./template.js";

const TICKS = { accepted: "tick-one", delivered: "tick-two", read: "tick-two", failed: "tick-failed" };
const RTL = /[\u0591-\u07ff\ufb1d-\ufdfd\ufe70-\ufefc]/;
const FIRST_LETTER = /\p{L}/u;
const say = words.composer.bubbles;

export function tick(message) {
  const sign = element("span", { "data-tick": message.wamid });
  sign.append(icon(TICKS[message.status], `tick ${message.status}`));
  sign.append(element("span", { class: "hidden" }, words.ticks[message.status]));
  sign.title = words.ticks[message.status];
  return sign;
}

const when = (message) => (message.edited && !message.deleted ? `${say.edited} · ` : "") + timeOf(message.at);

function wordsOf(message) {
  const text = message.deleted ? (message.from_customer ? say.youDeleted : say.theyDeleted) : message.edited || message.body;
  const rtl = RTL.test(text.match(FIRST_LETTER)?.[0] ?? "");
  const parts = message.deleted ? [element("em", {}, text)] : formatted(text);
  return element("div", { class: "words", dir: "auto", "data-rtl": rtl ? "" : null, "data-stamp": when(message) }, ...parts);
}

function bubble(message, book) {
  const stamp = element("span", { class: "stamp" }, when(message));
  if (message.from_customer) stamp.append(tick(message));
  const above = message.deleted ? [] : contents(message, book);
  const made = element("div", { class: `bubble is-${message.kind}` }, ...above, wordsOf(message), ...footer(message), stamp, ...buttons(message, book));
  if (message.from_customer) made.classList.add("mine");
  if (message.reaction && !message.deleted) made.append(element("span", { class: "reaction" }, message.reaction));
  return made;
}

function note(message, book) {
  const made = element("p", { class: "day note", dir: "auto" }, happened(message, book));
  if (message.from_customer) made.append(tick(message));
  return made;
}

const looks = ({ edited, deleted, reaction }) => JSON.stringify([edited, deleted, reaction]);

export class Chat {
  constructor(book) {
    this.box = $("chat");
    this.book = book;
    this.last = null;
    this.shown = new Map();
  }

  show(messages, emptyText) {
    this.box.setAttribute("aria-live", "off"); // an old chat is not news
    this.box.replaceChildren();
    this.shown.clear();
    this.last = null;
    if (!messages.length) this.box.append(element("p", { class: "hint" }, emptyText));
    for (const message of messages) this.append(message, false);
    this.bottom();
    requestAnimationFrame(() => this.box.setAttribute("aria-live", "polite"));
  }

  add(message) {
    this.box.querySelector(".hint")?.remove();
    this.append(message, true);
    this.bottom();
  }

  append(message, isNew) {
    const day = dayOf(message.at);
    if (!this.last || dayOf(this.last.at) !== day) this.place(element("p", { class: "day" }, day));
    const isTurn = !this.last || isEvent(this.last) || this.last.from_customer !== message.from_customer;
    const node = isEvent(message) ? note(message, this.book) : bubble(message, this.book);
    if (isTurn) node.classList.add("turn");
    if (isNew) node.classList.add("new");
    this.place(node);
    this.shown.set(message.wamid, { node, looks: looks(message) });
    this.last = message;
  }

  place(node) {
    this.box.insertBefore(node, this.box.querySelector(".dots"));
  }

  // The same message, but read, edited, deleted or reacted to.
  mark(message) {
    const known = this.shown.get(message.wamid);
    if (!known) return;
    if (known.looks === looks(message)) return known.node.querySelector("[data-tick]")?.replaceWith(tick(message));
    const node = isEvent(message) ? note(message, this.book) : bubble(message, this.book);
    node.classList.toggle("turn", known.node.classList.contains("turn"));
    known.node.replaceWith(node);
    this.shown.set(message.wamid, { node, looks: looks(message) });
  }

  type(isTyping) {
    const dots = this.box.querySelector(".dots");
    if (isTyping === Boolean(dots)) return;
    if (dots) return dots.remove();
    const shown = element("div", { class: "bubble turn dots", "aria-hidden": "true" });
    shown.append(element("i"), element("i"), element("i"));
    this.box.append(shown);
    this.bottom();
  }

  // Once, however many messages have come.
  bottom() {
    cancelAnimationFrame(this.scrolling);
    this.scrolling = requestAnimationFrame(() => (this.box.scrollTop = this.box.scrollHeight));
  }
}
