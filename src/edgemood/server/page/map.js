// The library as a map: valence to the right, arousal upwards; drag, wheel, pinch, keys.

import { ask, on, tell } from "./ask.js";
import { Cloud } from "./cloud.js";
import { colour, known, labels, setLabels } from "./moods.js";
import { Overlay } from "./overlay.js";
import { Points2D } from "./points_2d.js";
import { PointsGL } from "./points_gl.js";
import { $, calm, later, say, toldElsewhere } from "./ui.js";
import { moves } from "./gestures.js";
import { describe } from "./spot.js";

const MARGIN = 1.2; // so much of the plane is in sight, of which 1 has songs: room for the names in its corners
const CLEAR = 12; // pixels between the songs and the buttons
const CLOSEST = 80;
const SLOW_MS = 24; // a frame that takes longer makes the next ones draw fewer points, until the map rests
const QUICK_MS = 18;
const FORMS = { happy: 0, angry: 1, sad: 2, calm: 3 };
const REST_MS = 140;

const view = { x: 0, y: 0, zoom: 1 };
const place = $("plane");
let [points, overlay, cloud] = [null, null, null];
let [width, height, ratio] = [0, 0, 1];
let [asked, share, moving, last, usual] = [false, 1, 0, 0, 16];
let etag = "";
let marked = null; // the song that is shown

export const now = () => ({ ...view, cross, mark: overlay.marked, share, points: points?.constructor.name, count: cloud?.count ?? 0, finish: () => points.finish() });

// ------------------------------------------------------------------------------------------------------- places

let cross = [0, 0]; // where who has keys only looks: pixels from the middle
let plot = { x: 0, y: 0, width: 0, height: 0 }; // where all songs lie when all is in sight: x, y its middle

const scaleX = () => (view.zoom * plot.width) / 2;
const scaleY = () => (view.zoom * plot.height) / 2;
export const toScreen = (v, a) => [plot.x + (v - view.x) * scaleX(), plot.y - (a - view.y) * scaleY()];
const toPlane = (x, y) => [view.x + (x - plot.x) / scaleX(), view.y - (y - plot.y) / scaleY()];

/** Leave room at the edges, and at the right for the buttons: no song lies below one. Gives where they are. */
function inset() {
  const [x, y] = [width, height].map((side) => (side * (1 - 1 / MARGIN)) / 2);
  const [box, above] = [place, $("zoom")].map((one) => one.getBoundingClientRect());
  const buttons = { left: above.left - box.left, top: above.top - box.top };
  const right = Math.max(x, width - buttons.left + CLEAR);
  plot = { x: (x + width - right) / 2, y: height / 2, width: width - x - right, height: height - 2 * y };
  aim();
  return buttons;
}

function hold() {
  view.zoom = Math.min(CLOSEST, Math.max(1, view.zoom));
  const room = MARGIN * (1 - 1 / view.zoom);
  view.x = Math.min(room, Math.max(-room, view.x));
  view.y = Math.min(room, Math.max(-room, view.y));
}

export function pan(dx, dy) {
  view.x -= dx / scaleX();
  view.y += dy / scaleY();
  changed();
}

/** Go a step by keys: the map moves below the cross, and where it ends the cross goes on alone. */
function step(dx, dy) {
  const before = [view.x * scaleX(), -view.y * scaleY()];
  const alone = [dx, dy].map((way, k) => (way * cross[k] < 0 ? Math.sign(way) * Math.min(Math.abs(way), Math.abs(cross[k])) : 0));
  pan(alone[0] - dx, alone[1] - dy);
  const moved = [view.x * scaleX() - before[0], -view.y * scaleY() - before[1]];
  aim([dx, dy].map((way, k) => cross[k] + way - moved[k]));
}

/** Put the cross so far from the middle. */
function aim(at = [0, 0]) {
  cross = at.map((way, k) => Math.max(-1, Math.min(1, way / half(k))) * half(k));
  place.style.setProperty("--x", `${plot.x + cross[0]}px`);
  place.style.setProperty("--y", `${plot.y + cross[1]}px`);
}

const half = (k) => (k ? plot.height : plot.width) / 2 || 1;

/** Zoom so that the place at x, y of the screen stays where it is. */
export function zoom(by, x = plot.x + cross[0], y = plot.y + cross[1]) {
  const [v, a] = toPlane(x, y);
  view.zoom = Math.min(CLOSEST, Math.max(1, view.zoom * by));
  const [w, b] = toPlane(x, y);
  view.x += v - w;
  view.y += a - b;
  changed();
}

export function whole() {
  glide({ x: 0, y: 0, zoom: 1 });
}

/** Move there within a third of a second; at once for who wants less motion. */
function glide(to) {
  aim();
  const from = { ...view };
  const began = performance.now();
  const step = (at) => {
    const t = calm() ? 1 : Math.min(1, (at - began) / 320);
    const eased = t * t * (3 - 2 * t);
    for (const key of ["x", "y"]) view[key] = from[key] + (to[key] - from[key]) * eased;
    view.zoom = from.zoom * (to.zoom / from.zoom) ** eased;
    changed();
    if (t < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/** Show where a song lies, also when it comes to lie elsewhere. */
export function show(song) {
  marked = song;
  overlay?.mark(song?.valence == null ? null : spotOf(song));
  render();
}

export function visit(song) {
  if (song.valence == null) return;
  const [x, y] = spotOf(song);
  glide({ x, y, zoom: Math.max(view.zoom, 6) });
}

function spotOf(song) {
  const row = cloud ? cloud.find(song.id) : -1;
  return row < 0 ? [song.valence, song.arousal] : [cloud.x[row], cloud.y[row]];
}

/** The song nearest to a place of the screen, within `reach` pixels, and how many lie there. */
export function songAt(x, y, reach) {
  if (!cloud) return null;
  const { row, many } = cloud.near(...toPlane(x, y), reach / scaleX(), reach / scaleY());
  return row < 0 ? null : { id: cloud.ids[row], many, at: [cloud.x[row], cloud.y[row]] };
}

// ------------------------------------------------------------------------------------------------------ drawing

function changed() {
  hold();
  moving = performance.now();
  render();
}

export function render() {
  if (asked || !points) return;
  asked = true;
  requestAnimationFrame(frame);
}

function frame(at) {
  asked = false;
  if (!width) return;
  const busy = performance.now() - moving < REST_MS;
  pace(busy, at);
  const many = cloud ? cloud.shown : 0;
  const dot = (many > 30000 ? 2 : many > 5000 ? 3 : many > 1000 ? 5 : many > 100 ? 9 : 14) * view.zoom ** 0.42;
  points.draw({
    centre: toPlane(width / 2, height / 2),
    scale: [(2 * scaleX()) / width, (2 * scaleY()) / height],
    size: ratio * Math.min(18, dot),
    share: busy ? share : 1,
  });
  overlay.draw(toScreen, view.zoom);
  if (busy) render();
}

/** Fewer points as long as the map moves and frames come late; all of them again when it rests. */
function pace(busy, at) {
  const took = at - last;
  last = at;
  if (!busy || took > 250) return;
  usual += 0.25 * (took - usual); // one late frame is no slow map
  if (usual > SLOW_MS) share = Math.max(0.08, share * 0.85);
  else if (usual < QUICK_MS) share = Math.min(1, share * 1.08);
}

const channels = (css) => [1, 3, 5].map((k) => parseInt(css.slice(k, k + 2), 16) / 255);
const mixed = (a, b, t) => a.map((part, k) => part + (b[k] - part) * t);

/** Take the colours of the theme. */
export function dress() {
  if (!points) return;
  const style = getComputedStyle(document.documentElement);
  const [bare, grey, rim] = ["--plane", "--muted", "--rim"].map((name) => channels(style.getPropertyValue(name).trim()));
  const pale = Number(style.getPropertyValue("--pale"));
  const colours = labels.map((mood) => mixed(channels(colour(mood)), [1, 1, 1], pale));
  const ground = ["angry", "happy", "sad", "calm"].map((mood) => mixed(bare, channels(colour(mood)), 0.07));
  points.dress({ colours, grey, rim, ground, forms: labels.map((mood) => FORMS[mood] ?? 0) });
  overlay.dress();
  render();
}

function resize() {
  const box = place.getBoundingClientRect();
  if (!box.width || !box.height) return; // another view is open
  [width, height] = [Math.round(box.width), Math.round(box.height)];
  ratio = Math.min(2, devicePixelRatio || 1);
  for (const canvas of place.querySelectorAll("canvas")) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  overlay.size(width, height, ratio, inset());
  hold();
  if (points && width) frame(performance.now());
}

function canvas() {
  const made = document.createElement("canvas");
  made.setAttribute("aria-hidden", "true");
  return made;
}

/** Draw by WebGL2, or without where there is none or it was taken away; then points and overlay share a canvas. */
function prepare(how) {
  const [below, above] = [canvas(), canvas()];
  place.replaceChildren(below, above);
  points = how === "2d" ? null : PointsGL.on(below, lost, how === "gl");
  if (!points) {
    below.remove();
    points = new Points2D(above);
  }
  overlay = new Overlay(above, overlay);
  if (cloud) points.load(cloud);
}

function lost(event) {
  event.preventDefault();
  prepare("2d");
  dress();
  resize();
}

// -------------------------------------------------------------------------------------------------------- songs

/** Load the songs, unless they are as they were. */
export async function load() {
  try {
    const answer = await ask("GET", "api/map");
    const tag = answer.headers.get("ETag") ?? "";
    if (tag && tag === etag && cloud) return;
    const names = (answer.headers.get("X-Moods") ?? "").split(",").map((name) => name.trim());
    if (names[0]) setLabels(names);
    cloud = new Cloud(await answer.arrayBuffer());
    etag = tag;
    if (wanted) cloud.show(wanted);
    points.load(cloud);
    show(marked);
    dress();
    explain();
    tell("mapped");
  } catch (error) {
    if (!toldElsewhere(error)) say($("map-note"), error.message, load);
  }
}

function explain() {
  const note = $("map-note");
  if (labels.length && !labels.every(known)) return say(note, "This model's moods are not the four quadrants: it has no map");
  if (!cloud.total) return say(note, "No songs yet. Scan a folder, and the map fills as its songs are judged");
  say(note, cloud.count ? "" : "No song has a mood yet");
}

let wanted = null;
let asking = null;

/** Dim the songs that the filter leaves out. Gives how many match, or null where nothing is filtered. */
export async function filter(query) {
  asking?.abort();
  asking = new AbortController();
  wanted = null;
  if (Object.values(query).some(Boolean)) {
    const answer = await ask("GET", "api/map/filter", { query, signal: asking.signal });
    const buffer = await answer.arrayBuffer();
    wanted = new Uint32Array(buffer, 4, new DataView(buffer).getUint32(0, true));
  }
  if (cloud) {
    cloud.show(wanted);
    points.load(cloud);
    render();
  }
  return wanted ? wanted.length : null;
}

export const total = () => cloud?.total ?? 0;

on("trail", (trail) => {
  overlay?.follow(trail);
  render();
});

export function start() {
  prepare(new URLSearchParams(location.search).get("draw")); // "2d" or "gl": for trying one of them
  dress();
  resize();
  new ResizeObserver(later(16, resize)).observe(place);
  moves(place, { pan, step, zoom, whole });
  describe(place, { songAt, toScreen, size: () => [width, height], middle: () => [plot.x + cross[0], plot.y + cross[1]], point: (at) => (overlay.point(at), render()) });
  $("zoom").addEventListener("click", (event) => {
    const what = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (what === "all") whole();
    else if (what) glide({ ...view, zoom: Math.min(CLOSEST, Math.max(1, view.zoom * (what === "in" ? 1.8 : 1 / 1.8))) });
  });
}
