// What the product thinks of the connection on the phone. Knows nothing of how it found out.

import { $, element, fill, timeOf, words } from "./dom.js";

const WELL = "CONNECTED"; // the product's own word for a connection that works
const TROUBLE = ["bad", "warn"]; // what nobody could look at is none

const troubles = (findings) => findings.filter((finding) => TROUBLE.includes(finding.state));

function line({ check, state, what, fix }) {
  const sign = element("span", { class: `chip ${state}` }, words.doctor[state] ?? state);
  const told = element("p", {}, element("strong", {}, check), " ", what);
  const item = element("li", {}, sign, told);
  if (fix && state !== "ok") item.append(element("p", { class: "fix" }, fix));
  return item;
}

function stateOf({ status, findings }) {
  const worst = TROUBLE.find((state) => findings.some((finding) => finding.state === state));
  return worst ?? (findings.length && status === WELL ? "ok" : "unknown");
}

export class Doctor {
  constructor() {
    this.box = $("doctor");
    this.shown = "";
    this.trouble = "";
  }

  show(report) {
    this.box.hidden = !report;
    const text = JSON.stringify(report);
    if (!report || text === this.shown) return;
    this.shown = text;
    this.tell(report);
    this.unfold(troubles(report.findings));
  }

  tell(report) {
    const state = stateOf(report);
    const count = troubles(report.findings).length;
    const time = report.checked_at && timeOf(report.checked_at);
    this.box.dataset.state = state;
    $("doctor-status").textContent = report.status;
    $("doctor-state").textContent = count ? fill(words.doctor.count, { count }) : state === "ok" ? words.doctor.well : "";
    $("doctor-checked").textContent = time ? fill(words.doctor.checked, { time }) : words.doctor.unchecked;
    $("doctor-findings").replaceChildren(...report.findings.map(line));
  }

  // New trouble opens it, its end closes it; in between it is as the reader left it.
  unfold(findings) {
    const trouble = findings.map((finding) => finding.check + finding.state).join();
    if (trouble !== this.trouble) this.box.open = Boolean(trouble);
    this.trouble = trouble;
  }
}
