// What the pages do beyond their forms and links: show anew what changes, tell how far an upload is, and keys.
"use strict";

// Parts that change are fetched again while somebody looks, and put in place of the old ones.
for (const part of document.querySelectorAll("[data-live]")) {
  const state = document.querySelector(".live-state");
  const pause = document.querySelector("[data-pause]");
  let paused = false;
  const say = (text) => { if (state) state.textContent = text; };
  const again = async () => {
    if (!paused && !document.hidden && !part.contains(document.activeElement)) {
      try {
        const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
        if (answer.redirected || answer.status === 401) { say("Log in again to see what is new."); return; }
        if (!answer.ok) throw new Error(String(answer.status));
        const text = await answer.text();
        if (text !== part.before) {
          const fresh = new DOMParser().parseFromString(text, "text/html");
          part.replaceChildren(...fresh.body.childNodes);
          part.before = text;
        }
        if (part.querySelector("[data-done]")) { say(""); return; }
        say("Live");
      } catch { say("The server does not answer; trying again."); }
    }
    setTimeout(again, Number(part.dataset.every || 2000));
  };
  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.textContent = paused ? "Go on" : "Pause";
      say(paused ? "Paused" : "Live");
    });
  }
  setTimeout(again, Number(part.dataset.first || 300));
}

// What a page that says what is wrong says.
const told = (text) => new DOMParser().parseFromString(text, "text/html").querySelector("main .lead")?.textContent;

// An upload tells how far it is.
for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const bar = form.querySelector("progress");
    const said = form.querySelector("[data-said]");
    const request = new XMLHttpRequest();
    bar.hidden = false;
    form.querySelector("button").disabled = true;
    request.upload.addEventListener("progress", (at) => {
      bar.max = at.total;
      bar.value = at.loaded;
      said.textContent = `${Math.round((100 * at.loaded) / at.total)} % uploaded`;
    });
    const failed = (text) => {
      said.textContent = text;
      form.querySelector("button").disabled = false;
      bar.hidden = true;
    };
    request.addEventListener("load", () => {
      if (request.status === 200) location.assign(request.responseURL);
      else failed(told(request.responseText) || "That did not work.");
    });
    request.addEventListener("error", () => failed("The upload was cut off."));
    request.open("POST", form.action);
    request.send(new FormData(form));
  });
}

// On a phone the name of this page may be beyond the edge.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// "/" goes to the search, "j" and "k" to the next and the previous decision.
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName || "");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
  if (event.key === "j" || event.key === "k") {
    const cards = [...document.querySelectorAll("[data-step]")];
    const here = cards.findIndex((card) => card.contains(document.activeElement));
    const next = cards[here + (event.key === "j" ? 1 : -1)];
    if (next) next.focus();
  }
});
