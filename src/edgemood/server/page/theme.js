// Runs before anything is drawn: a page that was dark does not flash white.
"use strict";
{
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // Storage is forbidden: the system's theme it is.
  }
  if (theme === "day" || theme === "night") document.documentElement.dataset.theme = theme;
}
