// What to play next, and why each: for the listener's mood, for another, towards one, or like a song.

import { mine, on } from "./ask.js";
import { deeds, present } from "./listener.js";
import { sign } from "./moods.js";
import { $, h, keeping, later, say, sentence, titled, toldElsewhere, words } from "./ui.js";

const SONGS = 10;
const SETTLED_MS = 500;
const MOODS = ["happy", "angry", "sad", "calm"];

/** mood: null is the listener's own; gradually: lead there from where the listener is; seed: a song to find others like. */
const wish = { mood: null, gradually: false, seed: null };
let asking = null;
let moved = 0; // when songs came to stand elsewhere

function query() {
  if (wish.seed) return { like: wish.seed.id, toward: wish.gradually ? wish.mood : null };
  if (!wish.mood) return {};
  return wish.gradually ? { toward: wish.mood } : { mood: wish.mood };
}

export async function load() {
  asking?.abort();
  asking = new AbortController();
  const list = $("queue");
  list.setAttribute("aria-busy", "true");
  try {
    const { picks } = await mine("api/next", { n: SONGS, ...query() }, asking.signal);
    say($("next-note"), picks.length ? "" : "Nothing to offer: every song was just played, or is left out, or its file is not there now");
    fill(picks);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!toldElsewhere(error)) {
      fill([]);
      say($("next-note"), error.status === 409 ? `${sentence(error.message)} Or choose a mood above` : error.message, error.status === 409 ? null : load);
    }
  }
  list.removeAttribute("aria-busy");
}

/** Show the picks; a row that stays as it is is kept, so that what is under a finger stays. */
function fill(picks) {
  const list = $("queue");
  const before = [...list.children];
  const rows = new Map(before.map((row) => [row.dataset.said, row]));
  keeping(list, () => list.replaceChildren(...picks.map((pick) => rows.get(`${pick.id} ${pick.reason}`) ?? line(pick))), $("next-title"));
  if (before.some((row, k) => row !== list.children[k])) moved = performance.now();
}

/** Who presses as songs move up meant the one that was there; a link one comes to by keys is meant. */
function unmeant(event) {
  if (performance.now() - moved > SETTLED_MS || !(event.detail || event.target.closest(".deed"))) return;
  event.preventDefault();
  event.stopPropagation();
}

function line(pick) {
  return h(
    "li",
    { class: "row", "data-key": pick.id, "data-said": `${pick.id} ${pick.reason}` },
    sign(pick.mood, "lead"),
    h("a", { class: "what", href: `#/song/${pick.id}` }, words(titled(pick), "title"), words(pick.artist || "unknown artist", "artist")),
    h("p", { class: pick.broken?.length ? "why broken" : "why" }, why(pick.reason)),
    deeds(pick, () => !wish.mood && !wish.seed),
  );
}

/** The reason without its number: that stands in the song's own page. */
const why = (reason) => sentence(reason.replace(/ \(similarity -?[\d.]+\)/, ""));

// ------------------------------------------------------------------------------------------------------ the wish

function choose(change) {
  Object.assign(wish, change);
  draw();
  load();
}

function draw() {
  const own = !wish.mood && !wish.seed;
  for (const chip of $("aim").children) {
    const on_ = chip.dataset.mood ? chip.dataset.mood === wish.mood : own;
    chip.setAttribute("aria-checked", String(on_));
    chip.tabIndex = on_ || (wish.seed && !wish.mood && !chip.dataset.mood) ? 0 : -1;
  }
  const parts = [];
  if (wish.seed) parts.push(h("button", { type: "button", class: "chip on", "data-key": "like", onclick: () => choose({ seed: null }), "aria-label": `No longer like ${titled(wish.seed)}` }, "like ", words(titled(wish.seed), "clip"), " ×"));
  if (wish.mood && (present() || wish.seed)) parts.push(h("button", { type: "button", class: "chip switch", "data-key": "gradually", role: "switch", "aria-checked": String(wish.gradually), onclick: () => choose({ gradually: !wish.gradually }) }, `gradually, from ${wish.seed ? "that song" : "your mood"}`));
  keeping($("wish"), () => $("wish").replaceChildren(...parts), $("aim").querySelector("[tabindex='0']"));
}

/** Ask for songs like one. */
export function like(song) {
  choose({ seed: song, mood: null, gradually: false });
  location.hash = "#/next";
}

export function start() {
  const chip = (mood, ...content) => h("button", { type: "button", role: "radio", class: "chip", "data-mood": mood ?? "", onclick: () => choose({ mood, gradually: mood ? wish.gradually || !!wish.seed : false, seed: mood ? wish.seed : null }) }, content);
  const aim = $("aim");
  aim.replaceChildren(chip(null, "your mood"), ...MOODS.map((mood) => chip(mood, sign(mood), mood)));
  aim.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const chips = [...aim.children];
    const to = chips[(chips.indexOf(document.activeElement) + step + chips.length) % chips.length];
    to.click();
    to.focus();
  });
  $("again").addEventListener("click", load);
  $("queue").addEventListener("click", unmeant, true);
  on("aim", ({ mood }) => choose({ mood, gradually: false, seed: null }));
  on("mood", draw);
  on("did", later(60, load));
  draw();
}

