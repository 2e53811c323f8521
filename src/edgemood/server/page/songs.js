// The library as a list, and the filters that the list and the map share.

import { get, on } from "./ask.js";
import { sign, tag } from "./moods.js";
import { $, clock, count, h, keeping, later, number, say, titled, toldElsewhere, words } from "./ui.js";
import * as map from "./map.js";

const PAGE = 60;
const [MOST_ASKED, MOST_KEPT] = [200, 1000]; // songs: the server gives so many at once; a longer list begins anew
const MOODS = ["happy", "angry", "sad", "calm"];

const filters = { search: "", mood: "", artist: "" };
let [cursor, asking, visible] = [null, null, false];

export const filtered = () => Object.values(filters).some(Boolean);

/** Ask for the first page, or at least for so many songs; whatever was being asked is withdrawn. */
export async function load(least = PAGE) {
  if (!visible) return;
  $("list").setAttribute("aria-busy", "true");
  await page(null, least);
  $("list").removeAttribute("aria-busy");
}

/** Ask anew for what is shown: a list stays as long as it is, and so where one looks. */
export const renew = () => load(shown());

function shown() {
  const rows = $("list").children.length;
  return rows > MOST_KEPT ? PAGE : Math.max(PAGE, rows);
}

async function page(from, least = PAGE) {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await found(from, least, asking.signal);
    const rows = answer.songs.map(line);
    if (from) $("list").append(...rows);
    else keeping($("list"), () => $("list").replaceChildren(...rows), $("songs-title"));
    cursor = answer.next_cursor;
    $("more").hidden = !cursor;
    tally(answer.total);
    say($("songs-note"), answer.total ? "" : filtered() ? "No song matches" : "No songs yet: scan a folder");
  } catch (error) {
    if (!toldElsewhere(error)) say($("songs-note"), error.message, () => load());
  }
}

async function found(from, least, signal) {
  const songs = [];
  let answer = { next_cursor: from };
  do {
    const limit = Math.min(MOST_ASKED, least - songs.length);
    answer = await get("api/library", { ...filters, sort: $("sort").value, limit, cursor: answer.next_cursor }, signal);
    songs.push(...answer.songs);
  } while (answer.next_cursor && songs.length < least);
  return { ...answer, songs };
}

function line(song) {
  return h(
    "li",
    { class: song.missing ? "row song missing" : "row song", "data-key": song.id },
    sign(song.mood, "lead"),
    h("a", { class: "what", href: `#/song/${song.id}` }, words(titled(song), "title"), words([song.artist || "unknown artist", song.album].filter(Boolean).join(" · "), "artist")),
    h("p", { class: "facts" }, tag(song), song.missing && h("em", {}, "file is gone"), h("span", {}, clock(song.duration_s))),
  );
}

function tally(matching) {
  const all = map.total();
  $("tally").textContent = filtered() ? `${number(matching)} of ${count(Math.max(all, matching), "song")}` : count(Math.max(all, matching), "song");
}

const apply = later(140, async (least) => {
  load(least);
  try {
    const matching = await map.filter(filters);
    tally(matching ?? map.total());
  } catch (error) {
    if (!toldElsewhere(error)) $("tally").textContent = error.message;
  }
});

function change(what) {
  Object.assign(filters, what);
  apply();
}

const artists = later(160, async (search) => {
  try {
    const answer = await get("api/artists", { search, limit: 20 });
    $("artists").replaceChildren(...answer.artists.map((artist) => h("option", { value: artist.name ?? artist })));
  } catch {
    // Suggestions are not worth a word; the filter works without.
  }
});

/** Tell which view is open: the list is asked for when it is first seen. */
export function seen(open) {
  const first = open && !visible;
  visible = open;
  if (first) load();
}

export function start() {
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("search").addEventListener("input", (event) => change({ search: event.target.value.trim() }));
  $("artist").addEventListener("input", (event) => {
    artists(event.target.value.trim());
    change({ artist: event.target.value.trim() });
  });
  $("artist").addEventListener("focus", () => artists($("artist").value.trim()), { once: true });
  $("chips").replaceChildren(...MOODS.map((mood) => h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: (event) => {
    const mine = filters.mood === mood ? "" : mood;
    for (const chip of $("chips").children) chip.setAttribute("aria-pressed", String(chip === event.currentTarget && mine !== ""));
    change({ mood: mine });
  } }, sign(mood), mood)));
  $("sort").addEventListener("change", () => load());
  $("more").addEventListener("click", () => page(cursor));
  new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && cursor && !$("more").hidden && page(cursor)).observe($("more"));
  on("mapped", () => (filtered() ? apply(shown()) : tally(map.total())));
}
