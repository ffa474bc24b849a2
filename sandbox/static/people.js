"use strict";
// The list as it is now, without losing the place on the page; never while a button is being used.
async function refresh() {
  try {
    const live = document.getElementById("live");
    if (!document.hidden && !live.contains(document.activeElement)) {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        live.replaceWith(page.getElementById("live"));
      }
    }
  } catch { /* the sandbox is away for a moment */ }
  setTimeout(refresh, 1500);
}
setTimeout(refresh, 1500);
