// What pages do beyond htmx: theme, copying, pick lists by keyboard, dropping a file.
(() => {
  "use strict";
  const status = (text) => { document.getElementById("status").textContent = text; };
  const alertBox = () => document.getElementById("alert");

  const complain = (text) => {
    const p = document.createElement("p");
    p.className = "note bad";
    p.textContent = text;
    alertBox().replaceChildren(p);
  };
  // What the service says of an error, as it says it to htmx; nothing takes the last one away.
  const tell = (html) => {
    alertBox().innerHTML = html;
    if (html) alertBox().scrollIntoView({ block: "nearest" });
  };

  const toggleTheme = () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* a private window forgets */ }
  };

  // navigator.clipboard is there only on HTTPS and on this machine.
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  document.addEventListener("click", async (event) => {
    if (event.target.closest("[data-theme-toggle]")) return toggleTheme();
    const copying = event.target.closest("[data-copy]");
    if (copying) {
      await copy(copying.dataset.copy);
      status(copying.dataset.said ?? `${document.body.dataset.copied}: ${copying.dataset.copy}`);
      copying.classList.add("done");
      setTimeout(() => copying.classList.remove("done"), 1200);
    }
    const opening = event.target.closest("[data-open]");
    if (opening) openGroup(opening.closest("[data-pick]"), opening.dataset.open);
  });

  // Clearing a form is no input event; its answer is asked for anew.
  document.addEventListener("reset", (event) => {
    setTimeout(() => {
      for (const field of event.target.querySelectorAll("input:not([type=hidden]), textarea")) field.value = "";
      event.target.dispatchEvent(new Event("input", { bubbles: true }));
      event.target.querySelector("input:not([type=hidden])").focus();
    });
  });

  // Pick lists. What was found for earlier words goes at once, so that Enter never takes it for the words that stand there now.
  const field = (pick) => pick.querySelector("input[type=search]");
  const openGroup = (pick, code) => { field(pick).value = code; field(pick).dispatchEvent(new Event("open")); field(pick).focus(); };

  document.addEventListener("input", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick) pick.querySelector(".found").replaceChildren();
  });
  document.addEventListener("focusin", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick && event.target === field(pick) && !pick.querySelector(".found").children.length) event.target.dispatchEvent(new Event("open"));
  });
  document.addEventListener("keydown", (event) => {
    const pick = event.target.closest?.("[data-pick]");
    if (!pick || event.ctrlKey || event.metaKey || event.altKey) return;
    const buttons = [...pick.querySelectorAll("button[name=code]")];
    const at = buttons.indexOf(event.target);
    const input = event.target === field(pick);
    if (event.key === "Enter" && input) {
      event.preventDefault();
      buttons[0]?.click();
    } else if (event.key === "ArrowDown" && buttons[at + 1]) {
      event.preventDefault();
      buttons[at + 1].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (buttons[at - 1] ?? field(pick)).focus();
    } else if (event.key === "ArrowRight" && at >= 0 && buttons[at].dataset.below) {
      event.preventDefault();
      openGroup(pick, buttons[at].value);
    } else if (event.key === "ArrowLeft" && at >= 0) {
      event.preventDefault();
      openGroup(pick, buttons[at].dataset.above);
    }
  });

  document.addEventListener("htmx:sendError", () => complain(document.body.dataset.offline));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) alertBox().replaceChildren(); });
  document.addEventListener("htmx:responseError", () => alertBox().scrollIntoView({ block: "nearest" }));

  // What takes long says so, and is asked for once. The form is sent as it was: a button that is disabled at once would not be.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.dataset.busy) return;
    setTimeout(() => { button.disabled = true; button.textContent = button.dataset.busy; });
    status(button.dataset.busy);
  });

  // A file is sent by the API with its progress shown; the page of the file comes next.
  const send = (form) => {
    const data = new FormData();
    data.append("data", form.querySelector("input[type=file]").files[0]);
    const query = new URLSearchParams();
    for (const name of ["encoding", "delimiter", "title", "duties", "code"]) if (form.elements[name]?.value) query.set(name, form.elements[name].value);
    const bar = form.querySelector("progress"), button = form.querySelector("button.primary");
    const request = new XMLHttpRequest();
    request.open("POST", `${form.getAttribute("action")}?${query}`);
    request.setRequestHeader("Accept", "application/json");
    if (document.body.dataset.csrf) request.setRequestHeader("X-CSRF-Token", document.body.dataset.csrf);
    request.responseType = "json";
    const end = (text) => { bar.hidden = true; button.disabled = false; complain(text); };
    request.upload.onprogress = (event) => { bar.value = event.total ? event.loaded / event.total : 0; };
    request.onload = () => {
      if (request.status < 300) location.href = form.dataset.next + (request.response.job ?? request.response).id;
      else end(request.response?.detail ?? document.body.dataset.offline);
    };
    request.onerror = () => end(document.body.dataset.offline);
    alertBox().replaceChildren();
    bar.hidden = false;
    button.disabled = true;
    status(form.dataset.sending);
    request.send(data);
  };
  for (const form of document.querySelectorAll("[data-drop]")) {
    const over = (on) => form.classList.toggle("over", on);
    form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
    form.addEventListener("dragover", (event) => { event.preventDefault(); over(true); });
    form.addEventListener("dragleave", () => over(false));
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      if (!event.dataTransfer.files.length) return;
      form.querySelector("input[type=file]").files = event.dataTransfer.files;
      send(form);
    });
  }

  window.isco = { complain, status, tell };
})();
