// What lies above the points: axes and names of the quadrants, the listener's way, the song in hand.

import { colour } from "./moods.js";

const WIDE = 520; // a map so wide has room for long names, and the number of its songs in its lower left corner
const CORNERS = [["angry", -1, 1], ["happy", 1, 1], ["sad", -1, -1], ["calm", 1, -1]];
const EDGE = 60; // pixels from top or bottom

export class Overlay {
  constructor(canvas, before = null) {
    this.context = canvas.getContext("2d");
    this.alone = this.context.getContextAttributes?.().alpha ?? true; // else the points are on the same canvas
    this.trail = before?.trail ?? [];
    this.marked = before?.marked ?? null;
    this.pointed = null;
  }

  /** buttons: left and top of what lies above the map in its lower right corner. */
  size(width, height, ratio, buttons) {
    Object.assign(this, { width, height, ratio, buttons });
  }

  dress() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    this.ink = { text: value("--ink"), muted: value("--muted"), line: value("--axis"), ground: value("--plane") };
    this.font = style.fontFamily || "sans-serif";
  }

  /** trail: places of the listener's mood, {valence, arousal, mood}, oldest first. */
  follow(trail) {
    this.trail = trail.filter((point) => point.valence != null);
  }

  mark(at) {
    this.marked = at;
  }

  point(at) {
    this.pointed = at;
  }

  draw(toScreen, zoom) {
    const { context: c, ratio, width, height, ink } = this;
    if (!ink) return;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.alone) c.clearRect(0, 0, width, height);
    this.#axes(toScreen, zoom);
    if (this.trail.length) this.#way(this.trail.map((p) => toScreen(p.valence, p.arousal)));
    if (this.marked) this.#ring(toScreen(...this.marked), 13, 3);
    if (this.pointed) this.#ring(toScreen(...this.pointed), 9, 2);
  }

  #axes(toScreen, zoom) {
    const { context: c, width, height, ink } = this;
    const [x0, y0] = toScreen(0, 0).map(Math.round);
    c.strokeStyle = ink.line;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(x0 + 0.5, 0);
    c.lineTo(x0 + 0.5, height);
    c.moveTo(0, y0 + 0.5);
    c.lineTo(width, y0 + 0.5);
    c.stroke();
    this.#ends(x0, y0);
    c.font = `600 ${Math.max(15, Math.min(22, width / 34))}px ${this.font}`;
    for (const [mood, v, a] of CORNERS) this.#corner(mood, v, a, x0, y0, zoom);
  }

  /** The name of a quadrant, in the outer corner of what is in sight of it. */
  #corner(mood, v, a, x0, y0) {
    const { context: c, width, height, ink } = this;
    const room = [v < 0 ? x0 : width - x0, a > 0 ? y0 : height - y0];
    if (room[0] < 90 || room[1] < 44) return;
    c.textAlign = v < 0 ? "left" : "right";
    c.textBaseline = a > 0 ? "top" : "bottom";
    this.#text(mood, v < 0 ? 16 : width - 16, a > 0 ? 14 : height - (v < 0 && width > WIDE ? 30 : 14), ink.text);
  }

  #ends(x0, y0) {
    const { context: c, width, height, ink, buttons } = this;
    c.font = `12px ${this.font}`;
    const long = (name) => (width > WIDE ? `${name}: ` : "");
    const inside = (v, size, margin) => Math.min(size - margin, Math.max(margin, v));
    c.textBaseline = "bottom";
    c.textAlign = "left";
    const above = inside(y0 - 4, height, 60);
    this.#text("negative", 10, above, ink.muted);
    c.textAlign = "right";
    this.#text(`${long("valence")}positive`, above > buttons.top ? buttons.left - 8 : width - 10, above, ink.muted);
    c.textAlign = "left";
    c.textBaseline = "top";
    this.#text(`${long("arousal")}energetic`, inside(x0 + 6, width, 120), 8, ink.muted);
    c.textBaseline = "bottom";
    this.#text("quiet", inside(x0 + 6, width, 120), height - 8, ink.muted);
  }

  #text(words, x, y, fill) {
    const { context: c, ink } = this;
    c.lineJoin = "round";
    c.lineWidth = 4;
    c.strokeStyle = ink.ground;
    c.strokeText(words, x, y);
    c.fillStyle = fill;
    c.fillText(words, x, y);
  }

  /** The last hours: a line that grows stronger towards the present, and where the listener is now. */
  #way(spots) {
    const { context: c, ink } = this;
    c.lineCap = c.lineJoin = "round";
    for (const [stroke, wide] of [[ink.ground, 5], [ink.text, 2.2]]) {
      c.strokeStyle = stroke;
      for (let k = 1; k < spots.length; k++) {
        const age = k / spots.length;
        c.globalAlpha = 0.12 + 0.88 * age ** 2;
        c.lineWidth = wide * (0.5 + 0.5 * age);
        const [before, here] = [spots[k - 1], spots[k]];
        const start = k > 1 ? middle(spots[k - 2], before) : before;
        c.beginPath();
        c.moveTo(...start);
        c.quadraticCurveTo(...before, ...middle(before, here));
        c.stroke();
      }
    }
    c.globalAlpha = 1;
    const end = spots.at(-1);
    if (spots.length > 1) this.#line(middle(spots.at(-2), end), end);
    this.#here(end, this.trail.at(-1).mood);
  }

  #line(from, to) {
    const { context: c } = this;
    c.beginPath();
    c.moveTo(...from);
    c.lineTo(...to);
    c.stroke();
  }

  #here([x, y], mood) {
    const { context: c, ink } = this;
    for (const [radius, fill] of [[12, ink.ground], [10, ink.text], [6.5, colour(mood)]]) {
      c.beginPath();
      c.arc(x, y, radius, 0, 7);
      c.fillStyle = fill;
      c.fill();
    }
    c.font = `600 13px ${this.font}`;
    const inwards = y < EDGE ? 24 : y > this.height - EDGE ? -24 : 0; // at an edge there are names of moods beside it
    const room = y + inwards > this.buttons.top - 12 ? this.buttons.left : this.width;
    const right = x < room - 70;
    c.textAlign = !right ? "right" : inwards ? "center" : "left";
    c.textBaseline = "middle";
    this.#text("you", x + (!right ? (inwards ? 12 : -17) : inwards ? 0 : 17), y + inwards, ink.text);
  }

  #ring([x, y], radius, wide) {
    const { context: c, ink } = this;
    for (const [stroke, width] of [[ink.ground, wide + 3], [ink.text, wide]]) {
      c.beginPath();
      c.arc(x, y, radius, 0, 7);
      c.strokeStyle = stroke;
      c.lineWidth = width;
      c.stroke();
    }
  }
}

const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
