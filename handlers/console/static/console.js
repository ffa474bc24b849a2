// Livelier where JavaScript runs; nothing here is needed. Served by us, like everything on these pages.
"use strict";

const said = JSON.parse(document.body.dataset.words);

// A form with data-confirm asks first.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const dialog = document.getElementById("confirm");
  if (!form.dataset.confirm || !dialog || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  document.getElementById("confirm-text").textContent = form.dataset.confirm;
  const submitter = event.submitter;
  dialog.onclose = () => {
    if (dialog.returnValue !== "yes") return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter);
    delete form.dataset.confirmed;
  };
  dialog.returnValue = "no";
  dialog.showModal();
}, true);

// An id is copied by a click on the sign beside it.
function offerCopies(root) {
  if (!navigator.clipboard) return;
  for (const id of root.querySelectorAll("[data-copy]:not([data-copies])")) {
    if (id.closest("a, button, summary")) continue;
    id.dataset.copies = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.title = said.copy;
    button.setAttribute("aria-label", `${said.copy} ${id.textContent.trim()}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(id.textContent.trim());
      button.classList.add("copy--done");
      setTimeout(() => button.classList.remove("copy--done"), 1200);
    });
    id.after(button);
  }
}

// "3 minutes ago" goes on counting.
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always", style: "long" });
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const gone = (Date.parse(time.dateTime) - Date.now()) / 1000;
    if (Math.abs(gone) < 1) { time.textContent = said.now; continue; }
    const [unit, length] = UNITS.find(([, seconds]) => Math.abs(gone) >= seconds);
    time.textContent = words.format(Math.trunc(gone / length), unit);
  }
}
setInterval(tick, 10000);

offerCopies(document);
document.addEventListener("htmx:load", (event) => { offerCopies(event.target); tick(); });

// The menu of a phone closes when something else is touched.
document.addEventListener("click", (event) => {
  const menu = document.getElementById("menu");
  if (menu && menu.open && !menu.contains(event.target)) menu.open = false;
});
