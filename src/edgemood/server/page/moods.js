// Moods: their order, colours and shapes. The colours themselves are in style.css, one for day and one for night.

import { h, icon } from "./ui.js";

/** The four quadrants, the quiet ones first: stacked in this order, the middle edge is how energetic it is. */
const QUADRANTS = ["sad", "calm", "happy", "angry"];
const OTHERS = 8; // colours for labels of other models

export const known = (mood) => QUADRANTS.includes(mood);
export let labels = ["happy", "angry", "sad", "calm"]; // as the server numbers them

export function setLabels(names) {
  labels = names;
}

export const stacked = (scores) =>
  Object.keys(scores).sort((a, b) => QUADRANTS.indexOf(a) - QUADRANTS.indexOf(b) || a.localeCompare(b));

/** Name of the CSS variable, and of the shape, of a mood. */
export const hue = (mood) => (known(mood) ? mood : `other-${Math.max(0, labels.indexOf(mood)) % OTHERS}`);
export const colour = (mood) => getComputedStyle(document.documentElement).getPropertyValue(`--${hue(mood)}`).trim();

/** The sign of a mood: a shape of its own as well as a colour. */
export function sign(mood, kind = "") {
  if (!mood) return h("span", { class: `sign none ${kind}`, "aria-hidden": "true" });
  return icon(known(mood) ? `m-${mood}` : "m-other", `sign c-${hue(mood)} ${kind}`);
}

/** Bars of all scores, the likeliest first. */
export function bars(scores) {
  const ranked = Object.entries(scores).sort((a, b) => b[1] - a[1]);
  return h(
    "ul",
    { class: "bars" },
    ranked.map(([mood, share]) => {
      const bar = h("span", { class: `bar c-${hue(mood)}` });
      bar.style.setProperty("--share", share);
      return h("li", {}, sign(mood), h("span", { class: "name" }, mood), h("span", { class: "track" }, bar), h("span", { class: "share" }, `${Math.round(100 * share)} %`));
    }),
  );
}

/** One glyph and word: what a song is. */
export function tag(song) {
  if (!song.mood) return h("span", { class: "tag" }, sign(null), "no mood yet");
  const doubt = song.labelled ? "set by hand" : song.unsure ? "unsure" : "";
  return h("span", { class: "tag" }, sign(song.mood), song.mood, doubt && h("em", {}, doubt));
}
