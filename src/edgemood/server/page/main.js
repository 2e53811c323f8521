// Puts the views together: which is open, day or night, what happens when the server goes, comes back or has news.

import { ask, on, remember, remembered } from "./ask.js";
import * as link from "./link.js";
import * as listener from "./listener.js";
import * as map from "./map.js";
import * as queue from "./queue.js";
import * as scan from "./scan.js";
import * as song from "./song.js";
import * as songs from "./songs.js";
import { forgetSongs } from "./spot.js";
import { $, atDesk, later, sentence } from "./ui.js";

const VIEWS = ["map", "now", "next", "songs", "scan", "song"];
const THEMES = { "": "Auto", day: "Day", night: "Night" };

let before = "map"; // the view that a song was opened from
let opened = null; // what had the focus there
let heights = []; // how far down each view was

// -------------------------------------------------------------------------------------------------------- views

const sections = () => [...$("main").querySelectorAll(":scope > section")];

/** Show what the address says; where that is nothing, the map, and the address then says so. */
function route() {
  const [, name, id] = /^#?\/?([^/]*)\/?(.*)$/.exec(location.hash);
  const view = VIEWS.includes(name) && (id || name !== "song") ? name : "map";
  if (location.hash && (view !== name || (id && view !== "song"))) history.replaceState(null, "", `#/${view}`);
  const was = document.body.dataset.view;
  if (view === "song" && was !== "song") {
    opened = document.activeElement;
    heights = sections().map((section) => section.scrollTop);
  }
  document.body.dataset.view = view;
  if (view === "song") song.show(id);
  else {
    before = view;
    song.hide();
  }
  mark();
  songs.seen(view === "songs");
  if (view === "scan") scan.load();
  if (view !== was) arrive(view, was);
}

/** Mark in the navigation where one is: at a desk the map and what is next belong to Now. */
function mark() {
  const shown = atDesk() && ["map", "next"].includes(before) ? "now" : before;
  for (const link of $("nav").querySelectorAll("a:not(.mark)")) {
    if (link.hash === `#/${shown}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** The view that was opened has the focus, and its beginning is in sight; who comes back from a song is where he was. */
function arrive(view, was) {
  const place = $(view);
  if (view === "map") map.render();
  const from = was === "song" ? opener(view) : null;
  if (was !== "song") place.scrollTop = 0;
  else sections().forEach((section, k) => (section.scrollTop = heights[k]));
  if (from) from.focus({ preventScroll: true });
  else if (!place.contains(document.activeElement)) place.focus({ preventScroll: true });
}

/** What a song was opened from: itself, or what is in its place where the list was drawn anew; null if it is not to be seen. */
function opener(view) {
  const again = opened?.hash && !opened.isConnected ? $(view).querySelector(`a[href="${opened.getAttribute("href")}"]`) : opened;
  return again?.isConnected && again !== document.body && again.getClientRects().length ? again : null;
}

function close() {
  location.hash = `#/${atDesk() && before === "map" ? "now" : before}`;
}

// -------------------------------------------------------------------------------------------------- day and night

let chosen = remembered("theme");

function theme(name) {
  chosen = name in THEMES ? name : "";
  edgemoodTheme(chosen);
  const button = $("theme");
  button.querySelector("span").textContent = THEMES[chosen];
  button.setAttribute("aria-label", `Colours: ${THEMES[chosen]}`);
  document.querySelector("meta[name=theme-color]").content = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
  map.dress();
}

// --------------------------------------------------------------------------------------------- all of it, the token

function everything() {
  map.load();
  listener.load();
  listener.loadListeners();
  queue.load();
  songs.renew();
  song.load();
  scan.load();
}

let locked = false;

function login() {
  locked = true;
  const dialog = $("login");
  if (!dialog.open) dialog.showModal();
}

/** The token was given, here or in another tab. */
function unlock() {
  locked = false;
  if ($("login").open) $("login").close();
}

async function enter(event) {
  event.preventDefault();
  const note = $("login-note");
  try {
    await ask("POST", "api/login", { body: { token: $("token").value } });
    note.textContent = $("token").value = "";
    unlock();
    everything();
    link.follow();
  } catch (error) {
    note.textContent = sentence(error.message);
  }
}

// --------------------------------------------------------------------------------------------------------- start

const refresh = later(150, () => {
  listener.load();
  queue.load();
});
const reread = later(400, () => {
  forgetSongs();
  map.load();
  songs.renew();
  song.load();
  if (document.body.dataset.view === "scan") scan.load();
});

map.start();
listener.start();
queue.start();
songs.start();
scan.start();
song.start();
theme(chosen);
on("login", login);
on("whole", unlock);
$("login").addEventListener("close", () => locked && login()); // without the token there is nothing to see
on("back", later(20, everything));
on("listener", refresh);
on("library", (news) => news?.problem || reread());
$("close").addEventListener("click", close);
$("theme").addEventListener("click", () => {
  const names = Object.keys(THEMES);
  theme(names[(names.indexOf(chosen) + 1) % names.length]);
  remember("theme", chosen);
});
$("login-form").addEventListener("submit", enter);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.dataset.view === "song") close();
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    if (!atDesk()) location.hash = "#/map";
    requestAnimationFrame(() => $("search").focus());
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme(chosen));
matchMedia("(min-width: 1100px)").addEventListener("change", mark);
addEventListener("hashchange", route);
route();
link.start();
globalThis.edgemoodMap = map; // for measuring how quickly it draws
