"use strict";
// A second press must not register twice; the shop would refuse the e-mail, and the person would wonder.
const form = document.getElementById("register");
form.addEventListener("submit", () => {
  const button = form.querySelector(".go");
  button.textContent = button.dataset.busy;
  setTimeout(() => { button.disabled = true; }, 0);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
const wrong = form.querySelector("[aria-invalid]");
if (wrong) wrong.focus();
