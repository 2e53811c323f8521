// Whether the server and its library are there: news as they come, a standing notice while either is not, and word
// to all views when it is back.

import { ask, get, on, tell } from "./ask.js";
import { $, h, sentence } from "./ui.js";

const EVENTS = ["listener", "library", "progress", "ended"]; // the last two are of a scan
const [SOON_MS, LATE_MS] = [1000, 15000]; // how soon a stream that broke is begun anew
const SILENT_MS = 40000; // the server says something every 15 s: of one that was cut off from here nothing else tells
const LOOK_MS = 3000;
const ALIVE_MS = 8000; // an answer that waits for nothing takes no longer
const AWAY = "away";

let wrong = ""; // "": all is well; AWAY, or what is wrong with the library
let partly = false; // it is there, but not all of it can be read: whatever can be read again ends the notice
let known = false; // it was there since the page was opened
let [looking, timer] = [null, 0];
let [stream, wait, again, silence] = [null, SOON_MS, 0, 0];
let [asked, missed] = [false, true]; // whether the views were ever told to ask; whether news may have passed since

// ------------------------------------------------------------------------------------------------------ the notice

function notice() {
  const place = $("banner");
  const parts = wrong === AWAY ? ["The server does not answer. This page tries again by itself."] : wrong ? lacking(wrong) : [];
  place.hidden = !wrong;
  place.replaceChildren(...parts);
}

/** Of a library that was there nobody should scan a new one. */
function lacking(problem) {
  if (known && /^there is no library/i.test(problem)) return ["The library is not there. This page shows it again when it is back."];
  return [`${sentence(problem)} `, h("a", { href: "#/scan" }, "Scan")];
}

/** Have all views ask. They do so behind the stream: else what happens between their questions and it is never told. */
function all() {
  asked = true;
  tell("back");
}

function set(now, part = false) {
  if (now === wrong) return;
  const back = !now && !partly;
  [wrong, partly] = [now, part];
  notice();
  if (back) all();
}

// ------------------------------------------------------------------------------------------------------ looking

/** Look what is wrong, and again and again as long as anything is. Gives it. */
const look = () => (looking ??= found().finally(() => (looking = null)));

async function found() {
  clearTimeout(timer);
  const now = await problem();
  if (now || !partly) set(now);
  if (now) timer = setTimeout(look, LOOK_MS);
  if (now !== AWAY && !stream && !again) begin();
  return now;
}

async function problem() {
  try {
    await ask("GET", "api/scan", { patience: ALIVE_MS });
    return (await get("api/health")).problem ?? "";
  } catch (error) {
    return error.type === "Offline" ? AWAY : ""; // else it is there, and says itself what it wants
  }
}

// ------------------------------------------------------------------------------------------------------ the stream

/** Follow the server's events from now on: there is one stream, begun anew as often as it must be. */
export function follow() {
  clearTimeout(again);
  again = 0;
  if (stream) return;
  stream = new EventSource("api/events");
  stream.onopen = () => {
    heard();
    wait = SOON_MS;
    if (wrong) look();
    if (missed) all();
    missed = false;
  };
  for (const name of EVENTS) {
    stream.addEventListener(name, (event) => {
      heard();
      tell(name, parsed(event.data));
    });
  }
  stream.addEventListener("here", heard);
  stream.onerror = broken;
  heard();
}

function heard() {
  clearTimeout(silence);
  silence = setTimeout(broken, SILENT_MS);
}

function broken() {
  clearTimeout(silence);
  stream?.close();
  stream = null;
  missed = true;
  if (!asked) all();
  look();
}

/** Begin a stream anew: soon, and ever later where it does not last. */
function begin() {
  again = setTimeout(follow, wait);
  wait = Math.min(LATE_MS, wait * 2);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Tell "back" on the bus when all has to be asked, for the first time and whenever it may have changed unseen. */
export function start() {
  on("offline", look);
  on("degraded", async (message) => (await look()) || set(message, true));
  on("library", (news) => (wrong || news?.problem) && look());
  on("whole", () => {
    known = true;
    if (partly) set("");
  });
  follow();
  setTimeout(() => asked || all(), SOON_MS);
}
