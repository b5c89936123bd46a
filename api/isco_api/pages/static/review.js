// The keys of the review page. Each presses the button that carries it, so mouse, touch and keyboard do the same.
(() => {
  "use strict";
  const record = document.getElementById("record");
  let shown = performance.now();
  let busy = false;

  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select");

  const show = (id) => {
    for (const form of record.querySelectorAll("form[id=not-codable], form[id=commenting]")) form.hidden = form.id !== id || !form.hidden;
    for (const button of record.querySelectorAll("[data-shows]")) {
      button.setAttribute("aria-expanded", String(!document.getElementById(button.dataset.shows).hidden));
    }
    const form = document.getElementById(id);
    if (form && !form.hidden) form.querySelector("input:not([type=hidden])").focus();
  };

  document.addEventListener("click", (event) => {
    const shows = event.target.closest("[data-shows]");
    if (shows) show(shows.dataset.shows);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { show(""); document.activeElement.blur(); return; }
    if (typing(event.target)) return;
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("other")?.focus();
      return;
    }
    // A key that is held down or comes while an answer is awaited decides nothing: it was not meant for the next record.
    const button = record.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!button || button.disabled) return;
    event.preventDefault();
    if (!event.repeat && !busy) button.click();
  });

  record.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.path.endsWith("/decide")) event.detail.parameters.milliseconds = Math.round(performance.now() - shown);
  });
  record.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target !== record) return;
    if (busy) { event.preventDefault(); return; }
    busy = true;
    // Else htmx would give the focus to the next record's search, where keys are text.
    document.activeElement?.blur();
  });
  record.addEventListener("htmx:afterRequest", (event) => { if (event.detail.target === record || event.detail.xhr.status >= 400) busy = false; });
  document.addEventListener("htmx:sendError", () => { busy = false; });
  record.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== record) return;
    busy = false;
    shown = performance.now();
    record.querySelector("[data-record]").focus({ preventScroll: true });
    const title = record.querySelector(".job-title, .empty p");
    isco.status(title ? title.textContent : "");
  });
})();
