// What a template has around its words: a header, a footer, buttons. Knows nothing of the words and of the bubble.

import { element, fill, icon, words } from "./dom.js";

const say = words.composer.bubbles;
const partsOf = ({ value }) => value?.template ?? {};

export function header(message) {
  const { header: part } = partsOf(message);
  if (!part) return [];
  if (part.format === "TEXT") return [element("strong", { class: "head", dir: "auto" }, part.text)];
  return [element("img", { class: "photo", src: "/api/samples/image", alt: say.picture })]; // never from where it says
}

export function footer(message) {
  const { footer: text } = partsOf(message);
  return text ? [element("p", { class: "foot", dir: "auto" }, text)] : [];
}

// `tap` answers with a quick reply; a link is shown and leads nowhere, but `tell` says where it would.
function button(message, { type, text, url }, { tap, tell }) {
  const isLink = type === "URL";
  const label = isLink ? fill(say.link, { text }) : null;
  const made = element("button", { type: "button", "aria-label": label, title: url ?? null, dir: "auto" });
  made.append(icon(isLink ? "sign-link" : "sign-reply", "sign"), element("span", {}, text));
  made.addEventListener("click", () => (isLink ? tell(fill(say.linkTold, { url })) : tap(message, text)));
  return made;
}

export function buttons(message, book) {
  const { buttons: all } = partsOf(message);
  return all ? [element("div", { class: "taps" }, ...all.map((one) => button(message, one, book)))] : [];
}
