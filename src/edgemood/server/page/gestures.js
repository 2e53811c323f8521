// Drag, pinch, wheel and keys on the map, and what is no drag: a tap.

const STILL = 6; // pixels a finger may slip in a tap
const STEP = 60; // pixels an arrow key moves

/** Call pan(dx, dy), step(dx, dy), zoom(by, x, y) and whole() as fingers, mouse and keys want. A tap becomes an event "tap". */
export function moves(place, { pan, step, zoom, whole }) {
  const down = new Map();
  let [slipped, pinched] = [0, false];
  const at = (event) => {
    const box = place.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [a, b] = [...down.values()];
    return { apart: Math.hypot(a[0] - b[0], a[1] - b[1]), x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
  };
  place.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    place.setPointerCapture(event.pointerId);
    if (!down.size) [slipped, pinched] = [0, false];
    down.set(event.pointerId, at(event));
  });
  place.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const here = at(event);
    const was = down.size === 2 ? spread() : null;
    down.set(event.pointerId, here);
    slipped += Math.hypot(here[0] - before[0], here[1] - before[1]);
    if (was) {
      pinched = true;
      const is = spread();
      pan(is.x - was.x, is.y - was.y);
      if (was.apart > 10) zoom(is.apart / was.apart, is.x, is.y);
    } else if (down.size === 1 && slipped > STILL) pan(here[0] - before[0], here[1] - before[1]);
  });
  const up = (event) => {
    if (!down.delete(event.pointerId) || down.size) return;
    if (event.type === "pointerup" && slipped <= STILL && !pinched) {
      place.dispatchEvent(new CustomEvent("tap", { detail: { at: at(event), reach: event.pointerType === "mouse" ? 12 : 26 } }));
    }
  };
  for (const name of ["pointerup", "pointercancel"]) place.addEventListener(name, up);
  place.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 33 : 1;
    zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) / 400), ...at(event));
  }, { passive: false });
  place.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => step(-STEP, 0), ArrowRight: () => step(STEP, 0), ArrowUp: () => step(0, -STEP), ArrowDown: () => step(0, STEP),
      "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: whole, Home: whole,
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}
