// A scan: begun, followed, stopped; what the library holds; what failed, and why.

import { ask, get, on, send_, tell } from "./ask.js";
import { $, count, h, lasting, number, say, sentence, toldElsewhere, words } from "./ui.js";

const FAILURES = 50;
const POLL_MS = 2000; // where no event comes: what the server tells by itself is quicker
let cursor = null;
let before = "idle";
let poll = 0;

export async function load() {
  try {
    const [health, scan] = await Promise.all([get("api/health"), get("api/scan")]);
    library(health);
    show(scan);
    await failures();
  } catch (error) {
    if (!toldElsewhere(error)) say($("scan-note"), error.message, load);
  }
}

function library({ library: has, problem }) {
  const [songs, judged, failed] = [has.songs ?? 0, has.judged ?? 0, has.failed ?? 0];
  $("library").replaceChildren(
    h("p", { class: "big" }, count(songs, "song")),
    h("p", {}, songs ? `${number(judged)} with a mood${failed ? `, ${count(failed, "file")} failed` : ""}${has.missing ? `, ${count(has.missing, "file")} gone` : ""}` : "Nothing here yet. Name the folder with your music, and scan it."),
    ...(problem && has.songs != null ? [h("p", {}, sentence(problem))] : []),
  );
}

function show(scan) {
  if (!scan?.state) return;
  const running = scan.state === "running";
  $("progress").hidden = !running;
  const [shown, other] = running ? ["scan-stop", "scan-start"] : ["scan-start", "scan-stop"];
  const focused = document.activeElement === $(other);
  $(shown).hidden = false;
  $(other).hidden = true;
  if (focused) $(shown).focus();
  if (running) progress(scan);
  if (before === "running" && !running) finished(scan);
  else if (scan.state === "failed") $("scan-said").textContent = sentence(scan.problem ?? "the scan failed");
  if (running && before !== "running") $("scan-said").textContent = "Scanning.";
  before = scan.state;
  clearTimeout(poll);
  if (running) poll = setTimeout(async () => show(await get("api/scan").catch(() => null)), POLL_MS);
}

function progress(scan) {
  const bar = $("done");
  if (scan.total) Object.assign(bar, { max: scan.total, value: scan.done });
  else bar.removeAttribute("value");
  const parts = [scan.total ? `${number(scan.done)} of ${count(scan.total, "file")}` : "looking for music"];
  if (scan.songs_per_min) parts.push(`${count(Math.round(scan.songs_per_min), "song")} a minute`);
  if (scan.left_s != null) parts.push(`${lasting(scan.left_s)} left`);
  if (scan.failed) parts.push(`${number(scan.failed)} failed`);
  $("pace").textContent = parts.join(" · ");
  $("current").replaceChildren(words(scan.current ?? ""));
}

function finished(scan) {
  $("scan-said").textContent = scan.state === "failed" ? sentence(scan.problem ?? "the scan failed") : result(scan);
  tell("library");
  load();
}

function result({ state, report, failed }) {
  if (state === "stopped" || !report) return "Stopped. What was done is kept, and the next scan goes on from there.";
  const said = [`Done: ${count(report.analysed, "new song")}`, `${number(report.unchanged)} as before`];
  if (report.rejudged) said.push(`${number(report.rejudged)} judged anew`);
  if (report.failed ?? failed) said.push(`${count(report.failed ?? failed, "file")} failed`);
  return `${said.join(", ")}.`;
}

async function failures(more = null) {
  const answer = await get("api/failures", { limit: FAILURES, cursor: more });
  const rows = answer.failures.map((one) => h("li", {}, words(one.path, "path"), h("p", {}, sentence(shorter(one)))));
  if (more) $("failures").append(...rows);
  else $("failures").replaceChildren(...rows);
  cursor = answer.next_cursor ?? null;
  $("failures-title").hidden = !$("failures").children.length;
  $("more-failures").hidden = !cursor;
}

/** What went wrong, without the path that stands above it. */
const shorter = ({ path, error }) => error.replace(`${path}: `, "");

async function begin(event) {
  event.preventDefault();
  const folders = $("folders").value.split("\n").map((line) => line.trim()).filter(Boolean);
  say($("scan-note"));
  try {
    before = "idle";
    show(await send_("POST", "api/scan", folders.length ? { folders } : {}));
  } catch (error) {
    say($("scan-note"), error.type === "Offline" ? "edgemood does not answer: nothing was begun" : error.message);
  }
}

export function start() {
  $("scan-form").addEventListener("submit", begin);
  $("scan-stop").addEventListener("click", async () => {
    try {
      show(await (await ask("DELETE", "api/scan")).json());
    } catch (error) {
      if (!toldElsewhere(error)) say($("scan-note"), error.message);
    }
  });
  $("more-failures").addEventListener("click", () => failures(cursor).catch(() => null));
  for (const name of ["progress", "ended"]) on(name, show);
}
