// The keys of the review page. Each presses the button that carries it, so mouse, touch and keyboard do the same.
//
// While a record is looked at, the one to come is fetched; a decision shows it at once and is sent beside. Until it has been accepted no key
// decides anything, and where it is refused the record comes back as it was left.
(() => {
  "use strict";
  const record = document.getElementById("record");
  const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  // Decisions after which the same record stays.
  const STAYS = ["flag", "comment"];
  let shown = performance.now();
  let ahead = null;
  let asking = null;

  const busy = () => record.ariaBusy === "true";
  const setBusy = (on) => { record.ariaBusy = String(on); };
  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select");
  const numberIn = (content) => content.querySelector("[data-record]").dataset.record;

  const parsed = (text) => {
    const template = document.createElement("template");
    template.innerHTML = text;
    return template.content;
  };

  // A record has come: it is what keys are for, and what is read out.
  const greet = () => {
    shown = performance.now();
    record.querySelector("[data-record]").focus({ preventScroll: true });
    const title = record.querySelector(".job-title, .empty p");
    isco.status(title ? title.textContent : "");
  };

  const put = (content) => {
    record.replaceChildren(content);
    htmx.process(record);
    greet();
  };

  const lookAhead = async () => {
    ahead = null;
    asking?.abort();
    const number = numberIn(record);
    if (!number) return;
    const mine = asking = new AbortController();
    try {
      const where = new URLSearchParams(new FormData(document.getElementById("where")));
      const answer = await fetch(`/review/${number}/next?${where}`, { headers, signal: mine.signal });
      const text = await answer.text();
      if (answer.status === 200 && asking === mine) ahead = parsed(text);
    } catch { /* without it the next record comes with the answer to the decision */ }
  };

  const decide = async (path, form) => {
    const left = [...record.childNodes], since = shown, body = new URLSearchParams(form);
    body.set("shown", numberIn(ahead));
    put(ahead);
    const back = () => {
      record.replaceChildren(...left);
      greet();
      shown = since;
    };
    try {
      // Sent even where the page is left in the same moment.
      const answer = await fetch(path, { method: "POST", headers, body, keepalive: true });
      const text = await answer.text();
      if (!answer.ok) back();
      else if (answer.status === 200) put(parsed(text));
      isco.tell(answer.ok ? "" : text);
    } catch {
      back();
      isco.complain(document.body.dataset.offline);
    }
    setBusy(false);
    lookAhead();
  };

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
    if (!event.repeat && !busy()) button.click();
  });

  record.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.path.endsWith("/decide")) event.detail.parameters.milliseconds = Math.round(performance.now() - shown);
  });
  record.addEventListener("htmx:beforeRequest", (event) => {
    const { target, requestConfig } = event.detail;
    if (target !== record) return;
    if (busy()) { event.preventDefault(); return; }
    setBusy(true);
    // Else htmx would give the focus to the next record's search, where keys are text.
    document.activeElement?.blur();
    if (!ahead || !requestConfig.path.endsWith("/decide") || STAYS.includes(requestConfig.parameters.kind)) return;
    event.preventDefault();
    decide(requestConfig.path, requestConfig.formData);
  });
  record.addEventListener("htmx:afterRequest", (event) => { if (event.detail.target === record || event.detail.xhr.status >= 400) setBusy(false); });
  document.addEventListener("htmx:sendError", () => setBusy(false));
  record.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== record) return;
    setBusy(false);
    greet();
    lookAhead();
  });
  lookAhead();
})();
