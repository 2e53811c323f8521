// Which song is under the mouse, or at the centre for who has keys only: its title on a card, its page by a tap or Enter.

import { get } from "./ask.js";
import { tag } from "./moods.js";
import { $, h, later, number, titled, words } from "./ui.js";

const KEPT = 300;
const REACH = 12;
const REACH_OF_KEYS = 60;

const cache = new Map();

/** A song, from the server or from what was asked lately. */
async function song(id, signal) {
  if (!cache.has(id)) cache.set(id, await get(`api/songs/${id}`, {}, signal));
  if (cache.size > KEPT) cache.delete(cache.keys().next().value);
  return cache.get(id);
}

export const forgetSongs = () => cache.clear();

export function describe(place, { songAt, toScreen, size, middle, point }) {
  const card = $("spot");
  let [asking, current] = [null, null];
  const hide = () => {
    asking?.abort();
    current = null;
    card.hidden = true;
    place.classList.remove("over");
    point(null);
  };
  const fill = later(40, async (found) => {
    asking?.abort();
    asking = new AbortController();
    try {
      const known = await song(found.id, asking.signal);
      if (current?.id !== found.id) return;
      const more = found.many > 1 && h("small", {}, `and ${number(found.many - 1)} more here`);
      card.replaceChildren(words(titled(known), "title"), words(known.artist || "unknown artist", "artist"), tag(known), more || "");
      card.hidden = false;
      stand(card, toScreen(...found.at), size());
    } catch {
      // Withdrawn, or the server is gone, which the banner tells.
    }
  });
  const see = (x, y, reach) => {
    const found = songAt(x, y, reach);
    if (!found) return hide();
    if (found.id !== current?.id) card.hidden = true;
    current = found;
    place.classList.add("over");
    point(found.at);
    fill(found);
  };
  const centre = () => see(...middle(), REACH_OF_KEYS);
  const open = (found) => found && (location.hash = `#/song/${found.id}`);
  place.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons) return hide();
    see(event.offsetX, event.offsetY, REACH);
  });
  place.addEventListener("pointerleave", hide);
  place.addEventListener("blur", hide);
  place.addEventListener("tap", ({ detail }) => open(songAt(...detail.at, detail.reach)));
  place.addEventListener("keydown", (event) => {
    if (event.key === "Enter") open(current ?? songAt(...middle(), REACH_OF_KEYS));
    else if (event.key === "Escape") hide();
    else if (/^(Arrow|[-+=0]|Home)/.test(event.key)) requestAnimationFrame(centre);
  });
}

function stand(card, [x, y], [width, height]) {
  const left = x + 18 + card.offsetWidth > width ? x - 18 - card.offsetWidth : x + 18;
  const top = Math.min(height - card.offsetHeight - 8, Math.max(8, y - card.offsetHeight / 2));
  card.style.transform = `translate(${Math.round(Math.max(8, left))}px, ${Math.round(top)}px)`;
}
