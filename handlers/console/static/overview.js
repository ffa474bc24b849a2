// The part of the overview that is true at this moment is asked for anew every ten seconds, while somebody can see it.
"use strict";

(() => {
  const EVERY_MS = 10000;
  let asked = Date.now();
  function look() {
    const now = document.getElementById("now");
    if (!now || document.visibilityState !== "visible" || Date.now() - asked < EVERY_MS - 500) return;
    // Whoever stands on a link or a button in it is not moved away.
    if (now.contains(document.activeElement)) return;
    asked = Date.now();
    htmx.trigger(now, "look");
  }
  setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
})();
