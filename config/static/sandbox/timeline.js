// What happened, newest first. Knows nothing of the phone.

import { $, element, secondOf, words } from "./dom.js";

const KEPT = 200;
const STATUSES = new Set(["sent", "delivered", "read", "played", "failed"].map((status) => `webhook.${status}`));
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?)/g;

const kindOf = (event) => (STATUSES.has(event.title) ? "status" : event.kind);
const isGood = (event) => (event.status >= 200 && event.status < 300) === (event.title !== "webhook.forged");

function coloured(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [all, string, colon, word] = match;
    parts.push(text.slice(end, match.index));
    const kind = string ? (colon ? "k" : "s") : word ? "w" : "n";
    parts.push(element("span", { class: kind }, string ?? all), colon ?? "");
    end = match.index + all.length;
  }
  return [...parts, text.slice(end)];
}

function pane(title, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const copy = element("button", { type: "button" }, words.page.copy);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = words.page.copied;
  });
  const head = element("div", { class: "pane-head" }, element("h3", {}, title), copy);
  return element("div", { class: "pane" }, head, element("pre", { tabindex: "0" }, ...coloured(text)));
}

function chip(event) {
  if (event.kind === "dialog") return element("span"); // nothing, but in its column
  const code = event.kind === "graph" && event.status ? event.response?.error?.code : null;
  const text = [event.status ?? words.page.noAnswer, code].filter(Boolean).join(" · ");
  return element("span", { class: isGood(event) ? "chip" : "chip bad" }, text);
}

function summary(event) {
  const what = element("span", { class: "what" }, element("span", { class: "title" }, words.titles[event.title] ?? event.title));
  if (event.detail) what.append(element("span", { class: "detail", dir: "auto" }, event.detail));
  const time = element("time", { datetime: new Date(event.at * 1000).toISOString() }, secondOf(event.at));
  const ms = element("span", { class: "ms" }, event.ms >= 1 ? `${Math.round(event.ms)} ms` : "");
  return element("summary", {}, element("span", { class: "route" }, words.routes[event.kind]), what, chip(event), ms, time);
}

function entry(event, isNew) {
  const kind = kindOf(event);
  const details = element("details", { class: `event ${event.kind} ${kind}${isNew ? " new" : ""}` }, summary(event));
  // The JSON is built when somebody looks at it: most of it nobody ever opens.
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      const panes = [["request", event.request], ["response", event.response]].filter(([, value]) => value !== null);
      details.append(element("div", { class: "panes" }, ...panes.map(([name, value]) => pane(words.page[name], value))));
    }
  });
  return element("li", { "data-kind": kind }, details);
}

export class Timeline {
  constructor() {
    this.list = $("events");
    this.off = new Set();
    $("filters").addEventListener("click", (click) => this.toggle(click.target.closest("button")));
  }

  toggle(button) {
    if (!button) return;
    const isOn = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", String(isOn));
    isOn ? this.off.delete(button.dataset.kind) : this.off.add(button.dataset.kind);
    for (const item of this.list.children) item.hidden = this.off.has(item.dataset.kind);
  }

  add(events, isFirst) {
    for (const event of events) {
      const item = entry(event, !isFirst);
      item.hidden = this.off.has(item.dataset.kind);
      this.list.prepend(item);
    }
    while (this.list.childElementCount > KEPT) this.list.lastElementChild.remove();
    $("no-events").hidden ||= events.some((event) => event.title !== "webhook.handshake");
  }

  clear() {
    this.list.replaceChildren();
    $("no-events").hidden = false;
  }
}
