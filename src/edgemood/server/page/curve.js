// Moods over time, stacked: a song's, with the attention that decided below, or a listener's.

import { hue, sign, stacked } from "./moods.js";
import { h, percent, svg } from "./ui.js";

const WIDTH = 1000; // of the drawing's own units; it is stretched to its place
const HEIGHT = 220;
const STRIP = 54;
const SOFT = 6; // steps between the middles of two spans
const DECIDED = 0.5; // the strongest spans that hold this much of the attention are said to have decided

const ease = (t) => t * t * (3 - 2 * t);

/**
 * Shares at moments, which always sum to one. A song's moods go over into each other: they are those of the middle of
 * each span, eased between. A listener's were read at a moment and held until the next.
 */
function moments(spans, moods) {
  const shares = spans.map((span) => moods.map((mood) => span.scores[mood] ?? 0));
  if (spans[0].attention == null) return spans.flatMap((span, k) => [span.start_s, span.end_s].map((at) => ({ at, shares: shares[k] })));
  const middles = spans.map((span) => (span.start_s + span.end_s) / 2);
  const out = [{ at: spans[0].start_s, shares: shares[0] }];
  middles.forEach((at, k) => {
    out.push({ at, shares: shares[k] });
    if (k + 1 === spans.length) return;
    for (let step = 1; step < SOFT; step++) {
      const t = step / SOFT;
      const mix = shares[k].map((share, m) => share + (shares[k + 1][m] - share) * ease(t));
      out.push({ at: at + (middles[k + 1] - at) * t, shares: mix });
    }
  });
  out.push({ at: spans.at(-1).end_s, shares: shares.at(-1) });
  return out;
}

function areas(spans, moods, x) {
  const points = moments(spans, moods);
  const floor = points.map(() => 0);
  return moods.map((mood, m) => {
    const below = points.map((point, k) => [x(point.at), HEIGHT * (1 - floor[k])]);
    points.forEach((point, k) => (floor[k] += point.shares[m]));
    const above = points.map((point, k) => [x(point.at), HEIGHT * (1 - floor[k])]);
    const path = [...above, ...below.reverse()].map((p) => p.map((v) => v.toFixed(1)).join(" ")).join("L");
    return svg("path", { d: `M${path}Z`, class: `area c-${hue(mood)}` });
  });
}

/** How much of the attention a second of each span has, beside the strongest. */
function weights(spans) {
  const dense = spans.map((span) => span.attention / Math.max(0.001, span.end_s - span.start_s));
  const most = Math.max(...dense, 1e-9);
  return dense.map((value) => value / most);
}

function decisive(spans) {
  const ranked = [...spans.keys()].sort((a, b) => spans[b].attention - spans[a].attention);
  let sum = 0;
  return new Set(ranked.filter((k) => sum < DECIDED && ((sum += spans[k].attention), true)));
}

function attention(spans, x) {
  const [heavy, chosen] = [weights(spans), decisive(spans)];
  const parts = spans.map((span, k) => {
    const tall = 3 + heavy[k] * (STRIP - 12);
    const [left, wide] = [x(span.start_s), Math.max(1, x(span.end_s) - x(span.start_s) - 2)];
    return svg("rect", { x: left, y: HEIGHT + STRIP - tall, width: wide, height: tall, class: chosen.has(k) ? "heed much" : "heed" });
  });
  const veils = spans.map((span, k) =>
    svg("rect", { x: x(span.start_s), y: 0, width: x(span.end_s) - x(span.start_s), height: HEIGHT, class: "veil", opacity: (0.55 * (1 - heavy[k])).toFixed(2) }),
  );
  return [...veils, ...parts];
}

const likeliest = (scores) => Object.entries(scores).sort((a, b) => b[1] - a[1]);

/** One moment in words. */
function reading(span, format, at) {
  const [first, second] = likeliest(span.scores);
  const also = second && second[1] > 0.15 ? `, ${second[0]} ${percent(second[1])}` : "";
  const heed = span.attention == null ? "" : `; ${percent(span.attention)} of the attention`;
  return `${format(at)}: ${first[0]} ${percent(first[1])}${also}${heed}`;
}

/** The same numbers as a table, for who does not see the drawing. */
function table(spans, moods, format, caption) {
  const head = ["time", ...moods, ...(spans[0].attention == null ? [] : ["attention"])];
  const rows = spans.map((span) =>
    h("tr", {}, h("th", { scope: "row" }, format(span.start_s)), moods.map((mood) => h("td", {}, percent(span.scores[mood] ?? 0))), span.attention == null ? null : h("td", {}, percent(span.attention))),
  );
  return h("div", { class: "sr" }, h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows)));
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200];

/** Moments to label: few, at round times of their clock, and no two that read the same. */
export function rounds(from, to, format, { least = 1, shift = 0 } = {}) {
  const every = (step) => {
    const found = [];
    for (let at = Math.ceil((from + shift) / step) * step - shift; at <= to; at += step) found.push(at);
    return found;
  };
  const apart = (found) => new Set(found.map(format)).size === found.length;
  const steps = STEPS.filter((step) => step >= least);
  const found = every(steps.find((step) => (to - from) / step <= 5 && apart(every(step))) ?? steps.at(-1));
  const labels = found.map(format);
  return found.length ? found.filter((_, k) => labels.indexOf(labels[k]) === k) : [from];
}

function ticks(from, to, format, times) {
  return h("div", { class: "ticks", "aria-hidden": "true" }, rounds(from, to, format, times).map((at) => {
    const mark = h("span", {}, format(at));
    mark.style.left = `${(100 * (at - from)) / (to - from)}%`;
    const where = (at - from) / (to - from);
    if (where > 0.94) mark.classList.add("last");
    if (where < 0.06) mark.classList.add("first");
    return mark;
  }));
}

/**
 * Draw into `place`.
 *
 * spans: {start_s, end_s, scores, attention or none}, in order; format: a moment in words; times: {least, shift}, the
 * shortest time that those words tell apart, and how far their clock is ahead; marks: {at, kind, text} below the
 * curve; name: what it is, for who hears it; from, to: what the drawing spans.
 */
export function curve(place, { spans, format, name, marks = [], times, from = spans[0].start_s, to = spans.at(-1).end_s }) {
  const moods = stacked(spans[0].scores);
  const x = (at) => (WIDTH * (at - from)) / Math.max(0.001, to - from);
  const heeded = spans[0].attention != null;
  const tall = HEIGHT + (heeded ? STRIP : 0);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${tall}`, preserveAspectRatio: "none", "aria-hidden": "true", class: "drawing" }, areas(spans, moods, x), heeded ? attention(spans, x) : []);
  const line = h("span", { class: "cursor", hidden: true });
  const said = h("output", { class: "reading" });
  const rest = summary(spans, format, heeded);
  const slider = h("input", { type: "range", min: from, max: to, step: (to - from) / 400, value: to, "aria-label": name, class: "scrub" });
  const see = (at) => {
    const span = spans.find((one) => at < one.end_s) ?? spans.at(-1);
    const text = reading(span, format, at);
    said.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    line.hidden = false;
    line.style.left = `${(100 * (at - from)) / (to - from)}%`;
  };
  const leave = () => {
    line.hidden = true;
    said.textContent = rest;
  };
  slider.setAttribute("aria-valuetext", rest);
  slider.addEventListener("input", () => see(Number(slider.value)));
  slider.addEventListener("pointermove", (event) => see(from + (to - from) * Math.min(1, Math.max(0, event.offsetX / slider.offsetWidth))));
  slider.addEventListener("pointerleave", leave);
  slider.addEventListener("blur", leave);
  leave();
  const frame = h("div", { class: heeded ? "frame heeded" : "frame" }, drawing, line, slider);
  const legend = h("ul", { class: "legend", "aria-hidden": "true" }, [...moods].reverse().map((mood) => h("li", {}, sign(mood), mood)));
  place.replaceChildren(h("figure", { class: "curve" }, legend, frame, events(marks, from, to), ticks(from, to, format, times), said, table(spans, moods, format, name)));
}

function summary(spans, format, heeded) {
  if (!heeded) return "";
  const first = spans[[...decisive(spans)].sort((a, b) => spans[b].attention - spans[a].attention)[0]];
  return `Decided most: ${format(first.start_s)} to ${format(first.end_s)}, ${likeliest(first.scores)[0][0]}`;
}

function events(marks, from, to) {
  const inside = marks.filter((mark) => mark.at >= from && mark.at <= to);
  if (!inside.length) return "";
  return h("div", { class: "events", "aria-hidden": "true" }, inside.map((mark) => {
    const dot = h("span", { class: mark.kind, title: mark.text });
    dot.style.left = `${(100 * (mark.at - from)) / (to - from)}%`;
    return dot;
  }));
}
