// One song: its mood, how it goes through the song and which part decided, and what can be done about it.

import { mine, on, send_, tell } from "./ask.js";
import { curve } from "./curve.js";
import { deeds } from "./listener.js";
import { bars, labels, sign, tag } from "./moods.js";
import * as map from "./map.js";
import { like } from "./queue.js";
import { $, clock, h, keeping, say, sentence, titled, toast, toldElsewhere, words } from "./ui.js";

const NUMBER = /^[1-9]\d{0,14}$/;

const LIKING = { like: "You like it.", ban: "You banned it: it is not offered until you like it." };

let open = null;
let shown = ""; // the song as it is drawn

/** id: as the address has it. */
export async function show(id) {
  if (open === id) return;
  [open, shown] = [id, ""];
  $("song-title").textContent = "…";
  $("song-body").replaceChildren();
  say($("song-note"));
  await load();
}

export async function load() {
  if (open == null) return;
  const id = open;
  if (!NUMBER.test(id)) return unknown(`a song's address ends in its number, not in “${id}”`);
  try {
    const song = await mine(`api/songs/${id}`);
    if (open === id) draw(song);
  } catch (error) {
    if (open !== id || toldElsewhere(error)) return;
    if (error.status === 404) unknown(error.message);
    else say($("song-note"), error.message, load);
  }
}

function unknown(why) {
  shown = "";
  map.show(null);
  $("song-title").textContent = "No such song";
  $("song-body").replaceChildren();
  say($("song-note"), why);
}

export function hide() {
  open = null;
  map.show(null);
}

/** Draw a song, unless it is drawn as it is already: who is at one of its buttons stays there. */
function draw(song) {
  const is = JSON.stringify(song);
  if (is === shown) return;
  shown = is;
  keeping($("song-body"), () => fill(song), $("song-title"));
}

function fill(song) {
  say($("song-note"), song.missing ? "Its file is gone: it is kept, and not offered until it is back" : "");
  $("song-title").textContent = titled(song);
  map.show(song);
  const facts = [song.artist || "unknown artist", song.album, song.genre].filter(Boolean);
  const verdict = h("div", { class: "verdict-part" }, h("p", { class: "facts" }, facts.map((fact) => words(fact)), h("span", {}, clock(song.duration_s))), deeds(song), h("p", { class: "liking" }, LIKING[song.liking]), h("p", { class: "verdict" }, tag(song)));
  const place = h("div");
  const time = h("div", { class: "over-time", hidden: !song.timeline?.length }, h("h3", {}, "Through the song"), place);
  const rest = h("div", { class: "rest" }, song.scores && [h("h3", {}, "All of it"), bars(song.scores)], buttons(song), correction(song), h("p", { class: "path" }, words(song.path)));
  $("song-body").replaceChildren(verdict, time, rest);
  if (song.timeline?.length) curve(place, { spans: song.timeline, format: clock, name: "The song's mood over time" });
}

function buttons(song) {
  return h(
    "div",
    { class: "buttons" },
    song.mood && h("button", { type: "button", onclick: () => like(song) }, "More like this"),
    song.valence != null && h("button", { type: "button", class: "to-map", onclick: () => {
      if (!matchMedia("(min-width: 1100px)").matches) {
        addEventListener("hashchange", () => map.show(song), { once: true }); // after this view has gone, and its mark
        location.hash = "#/map";
      }
      map.visit(song);
      map.show(song);
    } }, "Show on the map"),
  );
}

/** A mood by hand holds, whatever a model says later. */
function correction(song) {
  const set = async (mood) => {
    try {
      const changed = await send_("PUT", `api/songs/${song.id}/label`, { mood });
      toast(mood ? `Its mood is ${mood} from now on.` : "Its mood is the model's again.");
      tell("library");
      if (open === String(song.id)) draw({ ...song, ...changed });
    } catch (error) {
      toast(sentence(error.message));
    }
  };
  const choice = (mood) => h("button", { type: "button", class: "chip", "aria-pressed": String(song.labelled === mood), onclick: () => set(song.labelled === mood ? null : mood) }, sign(mood), mood);
  return h("details", {}, h("summary", {}, song.labelled ? `You set its mood: ${song.labelled}` : "Not its mood?"), h("div", { class: "chips" }, labels.map(choice), song.labelled && h("button", { type: "button", class: "chip", onclick: () => set(null) }, "as the model judged")));
}

export function start() {
  for (const news of ["did", "listener"]) on(news, load);
}
