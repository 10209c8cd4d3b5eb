// The chat on the phone: bubbles, days, ticks, typing. Knows nothing of how messages come and go.

import { $, dayOf, element, icon, timeOf, words } from "./dom.js";

const TICKS = { accepted: "tick-one", delivered: "tick-two", read: "tick-two", failed: "tick-failed" };
const MARKS = { "*": "strong", _: "em", "~": "s", "`": "code" };
const RTL = /[\u0591-\u07ff\ufb1d-\ufdfd\ufe70-\ufefc]/;
const FIRST_LETTER = /\p{L}/u;

export function tick(message) {
  const sign = element("span", { "data-tick": message.wamid });
  sign.append(icon(TICKS[message.status], `tick ${message.status}`));
  sign.append(element("span", { class: "hidden" }, words.ticks[message.status]));
  sign.title = words.ticks[message.status];
  return sign;
}

// WhatsApp's own marks: *bold*, _italic_, ~struck~, `code`; not within a word, as in snake_case_names.
const MARKED = /(?<![\p{L}\p{N}])([*_~`])(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}])/gu;

function formatted(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(MARKED)) {
    parts.push(text.slice(end, match.index), element(MARKS[match[1]], {}, match[2]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

function bubble(message, isTurn, isNew) {
  const rtl = RTL.test(message.body.match(FIRST_LETTER)?.[0] ?? "");
  const text = element("div", { class: "words", dir: "auto", "data-rtl": rtl ? "" : null, "data-stamp": timeOf(message.at) }, ...formatted(message.body));
  const stamp = element("span", { class: "stamp" }, timeOf(message.at));
  if (message.from_customer) stamp.append(tick(message));
  const classes = ["bubble", message.from_customer && "mine", isTurn && "turn", isNew && "new"];
  return element("div", { class: classes.filter(Boolean).join(" ") }, text, stamp);
}

export class Chat {
  constructor() {
    this.box = $("chat");
    this.last = null;
  }

  show(messages, emptyText) {
    this.box.setAttribute("aria-live", "off"); // an old chat is not news
    this.box.replaceChildren();
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
    const isTurn = !this.last || this.last.from_customer !== message.from_customer;
    this.place(bubble(message, isTurn, isNew));
    this.last = message;
  }

  place(node) {
    this.box.insertBefore(node, this.box.querySelector(".dots"));
  }

  mark(message) {
    const old = this.box.querySelector(`[data-tick="${CSS.escape(message.wamid)}"]`);
    if (old) old.replaceWith(tick(message));
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

  bottom() {
    this.box.scrollTop = this.box.scrollHeight;
  }
}
