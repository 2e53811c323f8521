// The listener: the mood now and why, the last hours as a curve and as a way on the map, what was heard.

import { ask, mine, note, on, remember, remembered, send_, setListener, tell, who, get } from "./ask.js";
import { curve } from "./curve.js";
import { bars, sign } from "./moods.js";
import { $, h, icon, keeping, say, sentence, timeOfDay, titled, toast, toastOf, toldElsewhere, words } from "./ui.js";

const HOURS = [1, 6, 24];
const LATEST_S = 240; // how long the last mood is drawn on
const HEARD = 12;
const TWICE_MS = 800; // within that a second press is the first one's
const DONE = { play: "played", skip: "skipped", like: "liked", ban: "banned" };

let hours = Number(remembered("hours", "6")) || 6;
let mood = null;
let round = 0;

/** The listener's mood as it was told last, or null. */
export const present = () => mood;

/** Ask for all of it. */
export async function load() {
  const mine_ = ++round;
  try {
    const [is, was] = await Promise.all([read(), mine("api/listener/history", { hours })]);
    if (mine_ !== round) return;
    mood = is;
    say($("now-note"));
    show(is);
    history(was);
    tell("mood", is);
  } catch (error) {
    if (!toldElsewhere(error)) say($("now-note"), error.message, load);
  }
}

/** The mood now; null where nothing was heard yet. */
async function read() {
  try {
    return await mine("api/listener");
  } catch (error) {
    if (error.status === 409 || error.status === 404) return null;
    throw error;
  }
}

function show(is) {
  const place = $("mood");
  place.className = is ? `is-${is.mood}` : "unheard";
  if (!is) {
    place.replaceChildren(
      h("p", { class: "big" }, "Nothing heard yet"),
      h("p", {}, "Your mood is read from what you play. Note a song as played, or begin with a mood:"),
      h("p", { class: "chips" }, ["happy", "angry", "sad", "calm"].map((name) => h("a", { class: "chip", href: "#/next", onclick: () => tell("aim", { mood: name }) }, sign(name), name))),
    );
    return;
  }
  place.replaceChildren(h("p", { class: "big" }, sign(is.mood, "large"), is.mood), h("p", { class: "reason" }, sentence(is.reason.replace(`${is.mood}: `, ""))), bars(is.scores));
}

function history({ points, plays }) {
  tell("trail", points);
  const place = $("hours-curve");
  const now = Date.now() / 1000;
  $("hours").hidden = !mood && !points.length;
  if (!points.length) {
    place.replaceChildren(h("p", { class: "faint" }, mood ? `Nothing heard in the last ${hours === 1 ? "hour" : `${hours} hours`}.` : ""));
  } else {
    const spans = points.map((point, k) => ({ ...point, start_s: point.at, end_s: points[k + 1]?.at ?? Math.min(Math.max(now, point.at + 1), point.at + LATEST_S) }));
    const marks = plays.map((play) => ({ at: play.at, kind: play.event, text: `${DONE[play.event]} ${play.title}` }));
    curve(place, { spans: spans.filter((span) => span.end_s > span.start_s), marks, format: timeOfDay, times: { least: 60, shift: -60 * new Date().getTimezoneOffset() }, name: `Your mood in the last ${hours} hours`, to: spans.at(-1).end_s });
  }
  heard(plays);
}

function heard(plays) {
  $("heard").hidden = !plays.length;
  const last = plays.slice(-HEARD).reverse();
  const rows = last.map((play) => h("li", { "data-key": play.at }, h("time", {}, timeOfDay(play.at)), h("a", { href: `#/song/${play.id}` }, words(titled(play))), h("em", {}, DONE[play.event] ?? play.event), h("button", { type: "button", class: "quiet", "aria-label": `Undo: ${DONE[play.event]} ${titled(play)}`, onclick: () => undo(play, play) }, "Undo")));
  keeping($("heard-list"), () => $("heard-list").replaceChildren(...rows), $("heard").querySelector("summary"));
}

// ------------------------------------------------------------------------------------------------- what is done

/** Note what the listener did about a song, say so, and have everything that depends on it asked anew. offered: it was chosen for the mood; nobody asked for one like it. */
export async function did(song, what, offered = false) {
  try {
    const more = what === "play" || what === "skip" ? { offered } : {};
    const { at } = await (what === "play" ? note("api/plays", { id: song.id, ...more }) : note("api/events", { id: song.id, event: what, ...more }));
    toastOf(() => undo(song, { event: what, at }), sign(song.mood), " ", sentence(DONE[what]), " ", words(titled(song)));
    tell("did", { song, what });
  } catch (error) {
    toast(error.type === "Offline" ? "Not noted: edgemood does not answer." : sentence(error.message));
    throw error;
  }
}

/** Take something back that was done by mistake. */
async function undo(song, { event, at }) {
  try {
    await send_("DELETE", "api/events", { id: song.id, event, at }, { listener: who() });
    toast("Taken back: ", DONE[event], " ", words(titled(song)));
    tell("did", { song, what: "undo" });
  } catch (error) {
    toast(error.type === "Offline" ? "Not taken back: edgemood does not answer." : sentence(error.message));
  }
}

const DEEDS = [["play", "played", "Played"], ["like", "like", "Like"], ["skip", "skip", "Skip"], ["ban", "ban", "Ban"]];

/** The four buttons of a song; offered tells whether it was offered for the mood. */
export function deeds(song, offered = () => false) {
  const press = async (event, what) => {
    const button = event.currentTarget;
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true"); // a disabled one would lose the focus
    try {
      await did(song, what, offered());
      button.classList.add("done");
      setTimeout(() => button.removeAttribute("aria-disabled"), TWICE_MS);
    } catch {
      button.classList.remove("done");
      button.removeAttribute("aria-disabled");
    }
  };
  return h("div", { class: "deeds" }, DEEDS.map(([what, image, name]) => h("button", { type: "button", class: `deed ${image}`, "aria-label": `${name}: ${titled(song)}`, title: name, onclick: (event) => press(event, what) }, icon(`i-${image}`), h("span", {}, name))));
}

async function forget() {
  const button = $("forget");
  if (!button.dataset.sure) {
    button.dataset.sure = "yes";
    button.textContent = "Really forget all that was played, skipped, liked and banned?";
    return setTimeout(asItWas, 6000);
  }
  asItWas();
  try {
    await ask("DELETE", "api/listener/history", { query: { listener: who() }, body: { confirm: who() || standard } });
    toast("Forgotten.");
    tell("did", { what: "forget" });
  } catch (error) {
    toast(sentence(error.message));
  }
}

function asItWas() {
  delete $("forget").dataset.sure;
  $("forget").textContent = "Forget all of it";
}

let standard = "default";

/** Who may be listening, where there are several. */
export async function loadListeners() {
  try {
    const answer = await get("api/listeners");
    const names = answer.listeners.map((one) => one.name ?? one);
    standard = answer.default ?? names[0] ?? standard;
    const select = $("listener");
    select.hidden = names.length < 2;
    select.replaceChildren(...names.map((name) => h("option", { value: name, selected: name === (who() || standard) }, name)));
  } catch (error) {
    if (!toldElsewhere(error)) $("listener").hidden = true;
  }
}

export function start() {
  document.addEventListener("keydown", (event) => event.repeat && event.target.closest?.(".deed") && event.preventDefault(), true); // a key that is held is pressed once
  $("hours").replaceChildren(
    ...HOURS.map((n) => h("button", { type: "button", class: "chip", "aria-pressed": String(n === hours), onclick: (event) => {
      hours = n;
      remember("hours", String(n));
      for (const one of $("hours").children) one.setAttribute("aria-pressed", String(one === event.currentTarget));
      load();
    } }, n === 1 ? "1 hour" : `${n} hours`)),
  );
  $("forget").addEventListener("click", forget);
  $("listener").addEventListener("change", (event) => {
    setListener(event.target.value);
    tell("did", { what: "listener" });
  });
  on("did", load);
}
