// Small pieces every view is made of. Text of songs only ever becomes text nodes.

export const $ = (id) => document.getElementById(id);

/** An element: h("p", {class: "path"}, "text", child, ...). Properties that begin with "on" are handlers. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children.flat());
  return element;
}

/** A picture out of the sprite in the page. */
export const icon = (name, kind = "") => svg("svg", { "aria-hidden": "true", class: kind }, svg("use", { href: `#${name}` }));

/** Text of unknown language: keeps its own direction and nobody else's. */
export const words = (text, kind) => h("bdi", { class: kind, dir: "auto" }, text);

const whole = new Intl.NumberFormat("en");
export const count = (number, noun) => `${whole.format(number)} ${noun}${number === 1 ? "" : "s"}`;
export const number = (value) => whole.format(value);
export const percent = (share) => `${Math.round(100 * share)} %`;

/** 3:07, or 1:02:03. */
export function clock(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

export const timeOfDay = (at) =>
  new Date(1000 * at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

/** "2 h 5 min", "40 s". */
export function lasting(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What a song is called, whatever its tags lack. */
export const titled = (song) => song.title || (song.path ?? "").split("/").pop() || `song ${song.id}`;

/** Say in a view's own place what is wrong, or nothing; `again` is offered as a button. */
export function say(place, text = "", again = null) {
  if (place.contains(document.activeElement)) place.closest("section").focus({ preventScroll: true });
  place.replaceChildren(...(text ? [h("p", {}, sentence(text))] : []));
  if (again) place.append(h("button", { type: "button", class: "quiet", onclick: again }, "Try again"));
}

/** Whether an error has been told elsewhere: by the banner, by the login, or the question was withdrawn. */
export const toldElsewhere = (error) =>
  error.name === "AbortError" || error.type === "Offline" || error.status === 401 || (error.status === 503 && error.type === "LibraryError");

export function sentence(text) {
  const trimmed = text.trim();
  const full = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(full) ? full : `${full}.`;
}

/**
 * Draw a place anew by `draw`. Who was at one of its controls is then at the same one of the same part (data-key), or
 * where that has gone of the part that is now in its place; else at `otherwise`. What was unfolded stays so.
 */
export function keeping(place, draw, otherwise) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const parts = () => [...place.children];
  const part = parts().findIndex((one) => one.contains(focused));
  const { key } = parts()[part]?.dataset ?? {};
  const which = focused ? controls(parts()[part]).indexOf(focused) : -1;
  const unfolded = [...place.querySelectorAll("details")].map((one) => one.open);
  draw();
  [...place.querySelectorAll("details")].forEach((one, k) => (one.open ||= unfolded[k] ?? false));
  if (!focused || document.activeElement === focused) return;
  const now = parts().find((one) => key != null && one.dataset.key === key) ?? parts()[Math.min(part, parts().length - 1)];
  const there = now ? controls(now) : [];
  (there[Math.min(which, there.length - 1)] ?? otherwise).focus({ preventScroll: true });
}

const controls = (part) => (part.matches(CONTROLS) ? [part] : [...part.querySelectorAll(CONTROLS)]);
const CONTROLS = "a[href], button, summary, input, select";

let gone = 0;

/** Say for some seconds what was done. */
export const toast = (...content) => pass(4500, h("p", {}, content));

/** The same, longer, with a button that takes it back; it does not go from under a finger or the focus. */
export const toastOf = (undo, ...content) => pass(9000, h("p", {}, content), h("button", { type: "button", class: "undo", onclick: undo }, "Undo"));

function pass(ms, ...content) {
  const place = $("toast");
  if (place.contains(document.activeElement)) $(document.body.dataset.view).focus({ preventScroll: true });
  place.replaceChildren(...content);
  place.classList.add("shown");
  clearTimeout(gone);
  gone = setTimeout(function end() {
    if (place.matches(":hover, :focus-within")) gone = setTimeout(end, 1000);
    else place.classList.remove("shown");
  }, ms);
}

/** Act at most once per `ms`, with the last arguments. */
export function later(ms, act) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), ms);
  };
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const atDesk = () => matchMedia("(min-width: 1100px)").matches;
