// Runs before anything is drawn: a page that is dark does not flash white. Nothing else tells style.css that it is night.
"use strict";
{
  /** "day" or "night"; else as the system has it now. */
  globalThis.edgemoodTheme = (name) => {
    const night = name === "night" || (name !== "day" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = night ? "night" : "day";
  };
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // Storage is forbidden: the system's theme it is.
  }
  edgemoodTheme(chosen);
}
