// The line at the bottom: text, attachments, replies, edits, commands, ideas.

import { $, avatar, el, icon, toast } from "./dom.js";
import { summary } from "./messages.js";
import { asPhoto } from "./pictures.js";
import { ideas } from "./words.js";

const ALBUM = 10;

/** `page`: {me(), here(), room(), act(path, body, files), become(person key)}. */
export function startComposer(page) {
  const text = $("text");
  let staged = []; // {file, photo: {photo, small, url} | null, ready: a promise of both}
  let context = null; // {kind: "reply" | "edit", id, body}
  let chosen = -1;

  // --- what is written

  function grow() {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
    $("send").disabled = !text.value.trim() && !staged.length;
    suggest();
  }

  function setText(value) {
    text.value = value;
    grow();
    text.focus();
    text.setSelectionRange(value.length, value.length);
  }

  async function send() {
    const words = text.value.trim();
    if (!words && !staged.length) return;
    const chat = page.here();
    const envelope = { person: page.me().key, chat: chat.key, ...(context?.kind === "reply" ? { reply_to: context.id } : {}) };
    const [items, answering] = [staged, context];
    const asFiles = $("as-file").checked;
    clear();
    await Promise.all(items.map(({ ready }) => ready));
    if (answering?.kind === "edit") {
      await page.act("edit", { person: envelope.person, chat: chat.key, message_id: answering.id, text: words });
      return;
    }
    const photos = asFiles ? [] : items.filter((item) => item.photo);
    const files = items.filter((item) => !photos.includes(item));
    if (photos.length) await sendPhotos(photos, envelope, words);
    for (const [index, { file }] of files.entries()) {
      const caption = !photos.length && index === 0 ? words : "";
      const order = { ...envelope, filename: file.name, mime: file.type || mimeOf(file.name), caption };
      await page.act("document", order, { document: file });
    }
    if (!items.length) await page.act("text", { ...envelope, text: words });
  }

  async function sendPhotos(photos, envelope, caption) {
    const parts = {};
    photos.forEach(({ photo }, n) => { parts[`photo${n}`] = photo.photo; parts[`small${n}`] = photo.small; });
    await page.act("photo", { ...envelope, captions: [caption] }, parts);
  }

  function clear() {
    staged.forEach(({ ready }) => ready.then(({ photo }) => photo && URL.revokeObjectURL(photo.url)));
    staged = [];
    context = null;
    text.value = "";
    $("as-file").checked = false;
    refresh();
    grow();
  }

  // --- what is attached

  /** Attaches files, or promises of files that are still being drawn. What is sent waits until they are ready. */
  function attach(files, { unchanged = false } = {}) {
    hideAttach();
    const room = ALBUM - staged.length;
    if (files.length > room) toast(`At most ${ALBUM} photos go together.`);
    staged.push(...[...files].slice(0, room).map((file) => stage(file, unchanged)));
    if (unchanged) $("as-file").checked = true;
    if (page.here().kind !== "private" && !text.value) text.value = "/animate ";
    refresh();
    setText(text.value);
  }

  function stage(coming, unchanged) {
    const item = { file: null, photo: null };
    item.ready = Promise.resolve(coming).then(async (file) => {
      item.photo = unchanged ? null : await asPhoto(file);
      item.file = file;
      if (staged.includes(item)) showStaged();
      return item;
    });
    return item;
  }

  function showStaged() {
    $("staged").hidden = !staged.length;
    $("staged-list").replaceChildren(...staged.map((item, index) => el(
      "li", {},
      item.photo ? el("img", { src: item.photo.url, alt: item.file.name }) : item.file?.name ?? "…",
      el("button", { type: "button", "aria-label": `Remove ${item.file?.name ?? "it"}`, onclick: () => { staged.splice(index, 1); refresh(); grow(); } }, icon("close")),
    )));
    const chips = staged.length ? ideas(page.me().locale) : [];
    $("chips").hidden = !chips.length;
    $("chips").replaceChildren(...chips.map((idea) => el("button", { type: "button", onclick: () => setText(page.here().kind === "private" ? idea : `/animate ${idea}`) }, idea)));
  }

  // --- replies and edits

  function showContext() {
    $("context").hidden = !context;
    if (!context) return;
    $("context-title").textContent = context.kind === "edit" ? "Edit your message" : `Reply to ${context.body.from.first_name}`;
    $("context-text").textContent = summary(context.body);
  }

  // --- commands

  const commands = () => page.here().commands[page.me().key] ?? [];

  function suggest(all = false) {
    const typed = /^\/(\w*)$/.exec(text.value);
    const fitting = all || typed ? commands().filter(({ command }) => all || command.startsWith(typed[1])) : [];
    $("suggestions").hidden = !fitting.length;
    chosen = -1;
    $("suggestions").replaceChildren(...fitting.map(({ command, description }) => el(
      "li", { role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); sendCommand(command); } },
      el("b", {}, `/${command}`), el("span", {}, description),
    )));
  }

  function sendCommand(command) {
    $("suggestions").hidden = true;
    text.value = "";
    grow();
    page.act("text", { person: page.me().key, chat: page.here().key, text: `/${command}` });
  }

  function move(step) {
    const items = [...$("suggestions").children];
    chosen = (chosen + step + items.length) % items.length;
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
    items[chosen].scrollIntoView({ block: "nearest" });
  }

  // --- as the page changes

  function refresh() {
    if (!page.room()) return;
    const chat = page.here();
    const isGroup = chat.kind !== "private";
    $("menu").hidden = !commands().length || isGroup;
    $("as-whom").hidden = !isGroup;
    if (isGroup) {
      $("as-whom").replaceChildren(avatar(page.me()));
      $("as-whom").title = `You write as ${page.me().name}; click to change`;
    }
    text.placeholder = staged.length ? "What should happen?" : isGroup ? "Message · /animate …" : "Message";
    showStaged();
    showContext();
    $("send").disabled = !text.value.trim() && !staged.length;
  }

  const hideAttach = () => { $("attach-menu").hidden = true; $("attach").setAttribute("aria-expanded", "false"); };

  $("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  text.addEventListener("input", grow);
  text.addEventListener("keydown", (event) => {
    const open = !$("suggestions").hidden;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); return; }
    if (open && chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) { event.preventDefault(); sendCommand($("suggestions").children[chosen].firstChild.textContent.slice(1)); return; }
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); return; }
    if (event.key === "Escape") { $("suggestions").hidden = true; hideAttach(); if (context) { context = null; refresh(); } }
  });
  text.addEventListener("blur", () => { $("suggestions").hidden = true; });
  $("menu").addEventListener("click", () => { if ($("suggestions").hidden) { text.focus(); suggest(true); } else $("suggestions").hidden = true; });
  $("context-close").addEventListener("click", () => { if (context?.kind === "edit") text.value = ""; context = null; refresh(); grow(); });
  $("attach").addEventListener("click", () => {
    $("attach-menu").hidden = !$("attach-menu").hidden;
    $("attach").setAttribute("aria-expanded", String(!$("attach-menu").hidden));
    if (!$("attach-menu").hidden) $("pick-photo").focus();
  });
  $("attach-menu").addEventListener("keydown", (event) => { if (event.key === "Escape") { hideAttach(); $("attach").focus(); } });
  document.addEventListener("pointerdown", (event) => { if (!$("attach-menu").contains(event.target) && !$("attach").contains(event.target)) hideAttach(); });
  $("pick-photo").addEventListener("click", () => $("photo-input").click());
  $("pick-file").addEventListener("click", () => $("file-input").click());
  $("photo-input").addEventListener("change", ({ target }) => { attach([...target.files]); target.value = ""; });
  $("file-input").addEventListener("change", ({ target }) => { attach([...target.files], { unchanged: true }); target.value = ""; });
  $("as-whom").addEventListener("click", () => {
    const others = page.here().members;
    page.become(others[(others.indexOf(page.me().key) + 1) % others.length]);
  });

  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) { event.preventDefault(); attach(files); }
  });
  const zone = $("conversation");
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  zone.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; zone.classList.add("dropping"); } });
  zone.addEventListener("dragleave", (event) => { if (carriesFiles(event)) { depth -= 1; if (depth <= 0) { depth = 0; zone.classList.remove("dropping"); } } });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("dropping");
    attach([...event.dataTransfer.files]);
  });

  return {
    refresh,
    attach,
    replyTo({ message }) { context = { kind: "reply", id: message.message_id, body: message }; refresh(); text.focus(); },
    edit({ message }) { context = { kind: "edit", id: message.message_id, body: message }; refresh(); setText(message.text ?? message.caption ?? ""); },
  };
}

const MIMES = { heic: "image/heic", heif: "image/heif", webp: "image/webp", png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", mp4: "video/mp4" };
const mimeOf = (name) => MIMES[name.split(".").pop().toLowerCase()] ?? "application/octet-stream";
