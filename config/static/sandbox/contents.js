// What is in a message, kind by kind, as the phone shows it. Knows nothing of bubbles, ticks and time.

import { element, fill, icon, words } from "./dom.js";
import { header } from "./template.js";

const say = words.composer.bubbles;
const MARKS = { "*": "strong", _: "em", "~": "s", "`": "code" };
// WhatsApp's own marks: *bold*, _italic_, ~struck~, `code`; not within a word, as in snake_case_names.
const MARKED = /(?<![\p{L}\p{N}])([*_~`])(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}])/gu;
const EVENTS = new Set(["reaction", "reaction_removed", "edit", "revoke", "changed_number", "changed_user_id"]);

export const isEvent = (message) => EVENTS.has(message.kind);
export const isEcho = (message) => message.webhook === "smb_message_echoes";
export const itemOf = ({ value }) => value?.messages?.[0] ?? value?.message_echoes?.[0] ?? {};

// In a few words, for whoever quotes it.
export function excerpt(message) {
  if (!message) return say.anEarlier;
  const text = message.edited || message.body || words.composer.labels[message.kind] || message.kind;
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

export function formatted(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(MARKED)) {
    parts.push(text.slice(end, match.index), element(MARKS[match[1]], {}, match[2]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

const label = (text, className = "") => element("p", { class: `label ${className}` }, text);
const picture = (kind, className) => element("img", { class: className, src: `/api/samples/${kind}`, alt: words.composer.labels[kind] });
const two = (first, second) => element("span", { class: "two" }, element("strong", { dir: "auto" }, first), element("small", { dir: "auto" }, second));
const card = (className, ...parts) => element("div", { class: `card ${className}` }, ...parts);

function sound(kind) {
  const audio = new Audio(`/api/samples/${kind}`);
  const button = element("button", { type: "button", class: "play", "aria-label": say.play }, icon("sign-play", "sign"));
  const show = (isPlaying) => {
    button.setAttribute("aria-label", isPlaying ? say.pause : say.play);
    button.replaceChildren(icon(isPlaying ? "sign-pause" : "sign-play", "sign"));
  };
  button.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, () => show(name === "play"));
  return card("sound", button, element("span", { class: "wave", "aria-hidden": "true" }), element("small", {}, words.composer.labels[kind]));
}

function order({ product_items: items }) {
  const money = (sum) => new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: items[0].currency }).format(sum);
  const lines = items.map((item) => element("li", {}, `${item.quantity} × ${item.product_retailer_id}`, element("span", {}, money(item.quantity * item.item_price))));
  const total = items.reduce((sum, item) => sum + item.quantity * item.item_price, 0);
  return card("order", element("strong", {}, say.order), element("ul", {}, ...lines, element("li", { class: "total" }, say.total, element("span", {}, money(total)))));
}

const VIEWS = {
  image: () => [picture("image", "photo")],
  sticker: () => [picture("sticker", "sticker")],
  video: () => [element("video", { class: "photo", src: "/api/samples/video", controls: "", preload: "metadata" })],
  voice: () => [sound("voice")],
  audio: () => [sound("audio")],
  document: ({ document: file }) => [card("file", icon("sign-file", "sign"), two(file.filename, file.mime_type.split("/")[1].toUpperCase()))],
  location: ({ location: place }) => [card("place", element("span", { class: "map", "aria-hidden": "true" }, icon("sign-pin", "sign")), two(place.name, place.address))],
  contacts: ({ contacts: [{ name, phones }] }) => [card("file", element("span", { class: "avatar", "aria-hidden": "true" }, name.formatted_name[0]), two(name.formatted_name, phones[0].phone))],
  button_reply: () => [label(say.button)],
  template_button: () => [label(say.button)],
  list_reply: () => [label(say.list)],
  flow_reply: () => [label(say.form)],
  order: (item) => [order(item.order)],
  forwarded: () => [label(`↪ ${say.forwarded}`)],
  group: () => [label(say.group)],
  ad_referral: ({ referral }) => [label(say.ad), card("ad", two(referral.headline, referral.body))],
  unsupported: ({ errors }) => [label(fill(say.unsupported, errors[0]), "odd")],
  unknown: (item) => [label(fill(say.unknown, item), "odd")],
  interactive_without_object: (item, value) => [label(fill(say.empty, value.errors[0]), "odd")],
};

function quote(message, book) {
  const quoted = itemOf(message).context?.id;
  if (!quoted) return [];
  const subject = book.message(quoted);
  const who = subject?.from_customer ? say.you : book.business();
  return [element("blockquote", {}, element("strong", { dir: "auto" }, who), element("span", { dir: "auto" }, excerpt(subject)))];
}

function hidden({ value }) {
  const [contact] = value?.contacts ?? [];
  return contact && !contact.wa_id ? [label(fill(say.hidden, { username: `@${contact.profile.username}` }))] : [];
}

// All that stands above the words.
export function contents(message, book) {
  const echo = isEcho(message) ? [label(say.echo, "echo")] : [];
  const view = VIEWS[message.kind]?.(itemOf(message), message.value) ?? [];
  return [...echo, ...hidden(message), ...quote(message, book), ...header(message), ...view];
}

// What has happened to another message, in a sentence.
export function happened(message, book) {
  const about = { message: excerpt(book.message(message.about)), emoji: message.body, ...itemOf(message).system };
  const sentences = {
    reaction: say.youReacted,
    reaction_removed: say.youTookBack,
    edit: isEcho(message) ? say.appEdited : say.youEdited,
    revoke: isEcho(message) ? say.appRevoked : say.youRevoked,
    changed_number: say.changedNumber,
    changed_user_id: say.changedUserId,
  };
  return fill(sentences[message.kind], about);
}
