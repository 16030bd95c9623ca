// Comfort only: every page works without it. A link that re-ranks swaps the page's content in place, so that the
// place on the page and the focus stay; choices are sent when made; the rollout is read again every two seconds.
"use strict";

const POLL_MS = 2000;
const main = () => document.getElementById("content");
document.documentElement.classList.add("scripted");

function say(words) {
  document.getElementById("status").textContent = words;
}

async function swap(address, name, push) {
  const response = await fetch(address, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.getElementById("content");
  if (!next) { window.location = address; return; }
  const top = window.scrollY;
  main().replaceWith(document.adoptNode(next));
  document.title = page.title;
  if (push) { history.pushState({}, "", address); }
  window.scrollTo(0, top);
  const same = name && [...main().querySelectorAll("a, select, input")].find((one) => label(one) === name);
  (same || document.getElementById("basket") || main()).focus({ preventScroll: true });
  const moved = document.getElementById("moved");
  say(moved ? `Ranked again. ${moved.textContent}` : "Ranked again.");
}

function label(one) {
  return one.getAttribute("aria-label") || one.id || one.textContent.trim();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) { return; }
  event.preventDefault();
  const item = label(link).replace(/^(Put|Take) /, "").replace(/ (into|out of) the basket$/, "");
  const inside = label(link).startsWith("Put") ? `Take ${item} out of the basket` : `Put ${item} into the basket`;
  swap(link.href, inside, true);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (!form) { return; }
  const data = new URLSearchParams(new FormData(form));
  if (event.target.name === "at") { data.delete("store"); }
  swap(`${form.getAttribute("action")}?${data}`, event.target.id, true);
});

window.addEventListener("popstate", () => swap(window.location.href, "", false));

setInterval(async () => {
  const part = document.querySelector("[data-poll]");
  if (!part || document.hidden) { return; }
  const response = await fetch(part.dataset.poll).catch(() => null);
  const text = response && response.ok ? await response.text() : part.innerHTML;
  if (text !== part.dataset.last) {
    if (part.dataset.last) { say("The rollout has moved on."); }
    part.innerHTML = text;
    part.dataset.last = text;
  }
}, POLL_MS);
