// The page works without this file: the form then loads a new page with the answer.
"use strict";

const form = document.getElementById("question");
const input = document.getElementById("file");
const button = form.querySelector("button");
const answer = document.getElementById("answer");

document.documentElement.classList.add("enhanced");

function tell(paragraphs) {
  answer.replaceChildren(...paragraphs.map((words) => {
    const paragraph = document.createElement("p");
    paragraph.innerHTML = words; // from our own server, escaped there
    return paragraph;
  }));
}

async function ask() {
  const [file] = input.files;
  if (!file) return;
  if (file.size > Number(form.dataset.limit)) {
    tell([form.dataset.tooLarge]);
    return;
  }
  button.disabled = true;
  answer.setAttribute("aria-busy", "true");
  tell([form.dataset.checking]);
  try {
    const body = new FormData();
    body.append("file", file, "file"); // its name stays here
    const reply = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    tell((await reply.json()).paragraphs);
  } catch {
    tell([form.dataset.failed]);
  }
  answer.removeAttribute("aria-busy");
  button.disabled = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});

addEventListener("dragover", (event) => {
  event.preventDefault();
  form.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) form.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  if (event.dataTransfer.files.length === 0) return;
  input.files = event.dataTransfer.files;
  ask();
});
