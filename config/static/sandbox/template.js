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

// A link leads nowhere from here: who follows it reads where it would lead.
function link({ text, url }) {
  const made = element("button", { type: "button", "aria-label": fill(say.link, { text }), "aria-expanded": "false" });
  const told = element("p", { class: "foot", hidden: "" }, fill(say.linkTold, { url }));
  made.append(icon("sign-link", "sign"), element("span", { dir: "auto" }, text));
  made.addEventListener("click", () => {
    told.hidden = !told.hidden;
    made.setAttribute("aria-expanded", String(!told.hidden));
  });
  return [made, told];
}

function quickReply({ text }, answer) {
  const made = element("button", { type: "button" }, icon("sign-reply", "sign"), element("span", { dir: "auto" }, text));
  made.addEventListener("click", () => answer(text));
  return [made];
}

// `book.tap` sends what a quick reply says.
export function buttons(message, book) {
  const { buttons: all } = partsOf(message);
  if (!all) return [];
  const answer = (text) => book.tap(message, text);
  const made = all.flatMap((one) => (one.type === "URL" ? link(one) : quickReply(one, answer)));
  return [element("div", { class: "taps" }, ...made)];
}
