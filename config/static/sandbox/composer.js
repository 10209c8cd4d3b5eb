// The composer: what else can be sent, how it is delivered, and what is held back. Knows nothing of how it looks in the chat.

import { act } from "./api.js";
import { excerpt, isEvent } from "./contents.js";
import { $, element, fill, words } from "./dom.js";

const say = words.composer;
const LISTED = 30; // messages that can be chosen as what a new one is about
const SYNCED = new Set(["history", "history_declined", "contacts_added", "contacts_removed"]);
const menu = $("menu");
const tabs = [...menu.querySelectorAll("[role=tab]")];

// `chosen` says who writes to whom, `here` what they have said; `notice` tells the person, `trying` tells of errors.
export class Composer {
  constructor({ chosen, here, notice, trying }) {
    Object.assign(this, { chosen, here, notice });
    $("more").addEventListener("click", () => this.open());
    $("menu-close").addEventListener("click", () => menu.close());
    menu.addEventListener("click", (event) => event.target === menu && menu.close()); // beside it
    menu.addEventListener("click", this.within((click) => this.pick(click.target.closest("[data-kind]")?.dataset.kind)));
    menu.addEventListener("close", () => $("more").focus());
    $("panel-status").addEventListener("submit", this.within(() => this.sendStatus()));
    $("panel-status").addEventListener("change", () => ($("status-code-row").hidden = this.status !== "failed"));
    $("way").addEventListener("change", () => this.showWay());
    $("release-newest").addEventListener("click", trying(() => this.release(true)));
    $("release-oldest").addEventListener("click", trying(() => this.release(false)));
    for (const tab of tabs) tab.addEventListener("click", () => this.show(tab));
    menu.querySelector("[role=tablist]").addEventListener("keydown", (event) => this.turn(event));
  }

  // What goes wrong in the menu is said in the menu.
  within(deed) {
    return (event) => {
      if (event.type === "submit") event.preventDefault();
      deed(event).catch((error) => this.complain(error instanceof TypeError ? words.page.sandboxGone : error.message));
    };
  }

  complain(text) {
    $("menu-complaint").textContent = text;
    $("menu-complaint").hidden = !text;
    if (text) $("menu-complaint").scrollIntoView({ block: "nearest" });
  }

  // ── How it is delivered ─────────────────────────────────────────────────────────────────────────────────────────────

  get delivery() {
    const way = $("way").value;
    return way === "batch" ? { mode: "normal", copies: $("copies").valueAsNumber } : { mode: way };
  }

  showWay() {
    const way = $("way").value;
    $("delivery").dataset.way = way;
    $("copies").hidden = way !== "batch";
  }

  showHeld(count) {
    const text = fill(say.notices.held, { count });
    if ($("held-count").textContent !== text) $("held-count").textContent = text;
    $("held").hidden = !count;
    $("delivery").classList.toggle("holding", Boolean(count));
  }

  async release(newest_first) {
    const { released } = await act("release", { newest_first });
    this.notice(fill(say.notices.released, { count: released }));
    this.showHeld(0);
  }

  // `text` is for what goes the usual way, if there is anything to say of it.
  told({ status }, text) {
    const { mode } = this.delivery;
    if (mode === "forged") return this.forged(status);
    if (mode === "twice") return this.notice(say.notices.twice);
    if (text && mode === "normal") this.notice(text);
  }

  forged(status) {
    if (!status) return this.notice(words.page.forgedUnanswered, true);
    this.notice(fill(status < 400 ? words.page.forgedTaken : words.page.forgedRefused, { status }), status < 400);
  }

  // ── What is sent ────────────────────────────────────────────────────────────────────────────────────────────────────

  async send(kind, text, wishes = {}) {
    const { copies } = this.delivery;
    const answer = await act("messages", { ...this.chosen(), kind, text, ...wishes, ...this.delivery });
    this.told(answer, copies > 1 && fill(say.notices.batch, { count: copies }));
  }

  async bring(deed, text) {
    this.told(await act("deeds", { ...this.chosen(), deed, mode: this.delivery.mode }), text);
  }

  async pick(kind) {
    if (!kind) return;
    const label = say.labels[kind];
    if ($("panel-account").hidden === false) {
      await this.bring(kind, fill(say.notices.announced, { label }));
    } else if (SYNCED.has(kind)) {
      const wishes = { identity: $("wish-identity").value, mode: this.delivery.mode };
      this.told(await act("sync", { ...this.chosen(), kind, ...wishes }), fill(say.notices.announced, { label }));
    } else {
      const wishes = { about: $("wish-about").value, identity: $("wish-identity").value };
      await this.send(kind, $("wish-text").value || say.samples[kind] || "", wishes);
      if ($("wish-text").value === $("composer-text").value) $("composer-text").value = "";
    }
    menu.close();
  }

  get status() {
    return menu.querySelector("[name=status]:checked").value;
  }

  async sendStatus() {
    const label = words.titles[`webhook.${this.status}`];
    const posted = { status: this.status, unknown: $("status-unknown").checked, recipient: $("status-recipient").value };
    if (this.status === "failed") posted.code = $("status-code").valueAsNumber;
    this.told(await act("statuses", { ...this.chosen(), ...posted, mode: this.delivery.mode }), fill(say.notices.announced, { label }));
    menu.close();
  }

  // ── The menu ────────────────────────────────────────────────────────────────────────────────────────────────────────

  open() {
    this.complain("");
    $("wish-text").value = $("composer-text").value;
    const subjects = this.here().filter((message) => !isEvent(message)).slice(-LISTED).reverse();
    const options = subjects.map((message) => element("option", { value: message.wamid }, `${message.from_customer ? "→" : "←"} ${excerpt(message)}`));
    $("wish-about").replaceChildren(element("option", { value: "" }, say.notices.lastFitting), ...options);
    menu.showModal();
    tabs.find((tab) => tab.ariaSelected === "true").focus();
  }

  show(chosen) {
    for (const tab of tabs) {
      tab.ariaSelected = String(tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      $(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    $("wishes").hidden = !["tab-customer", "tab-app"].includes(chosen.id);
  }

  // https://www.w3.org/WAI/ARIA/apg/patterns/tabs/
  turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs.at((tabs.indexOf(event.target) + step) % tabs.length);
    this.show(next);
    next.focus();
  }
}
