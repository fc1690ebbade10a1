// Text with Telegram's entities as page elements, and the ideas for captions.

import { el } from "./dom.js";

/** Nodes for a text and its entities (offsets in UTF-16 units, as in JavaScript). `onCommand(text)` sends one. */
export function marked(text, entities, onCommand) {
  const sorted = [...(entities ?? [])].sort((one, other) => one.offset - other.offset || other.length - one.length);
  return span(text, 0, text.length, sorted, onCommand);
}

function span(text, start, end, entities, onCommand) {
  const nodes = [];
  let at = start;
  for (let index = 0; index < entities.length; index += 1) {
    const entity = entities[index];
    const from = entity.offset;
    const to = from + entity.length;
    if (from < at || to > end) continue;
    if (from > at) nodes.push(text.slice(at, from));
    const inside = entities.slice(index + 1).filter((other) => other.offset >= from && other.offset + other.length <= to);
    nodes.push(wrap(entity, text.slice(from, to), span(text, from, to, inside, onCommand), onCommand));
    at = to;
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

function wrap(entity, raw, children, onCommand) {
  switch (entity.type) {
    case "bold": return el("b", {}, ...children);
    case "italic": return el("i", {}, ...children);
    case "underline": return el("u", {}, ...children);
    case "strikethrough": return el("s", {}, ...children);
    case "code": return el("code", {}, ...children);
    case "pre": return el("pre", {}, ...children);
    case "blockquote":
    case "expandable_blockquote": return el("blockquote", {}, ...children);
    case "spoiler": return el("span", { class: "spoiler", onclick: (event) => event.currentTarget.classList.add("open") }, ...children);
    case "bot_command": return el("button", { class: "command", type: "button", onclick: () => onCommand(raw) }, ...children);
    case "text_link": return link(entity.url, children);
    case "url": return link(raw, children);
    case "mention":
    case "text_mention":
    case "hashtag": return el("span", { class: "command" }, ...children);
    case "date_time": return moment(entity, raw);
    default: return el("span", {}, ...children);
  }
}

function link(address, children) {
  const safe = /^(https?|tg|mailto):/i.test(address) ? address : undefined;
  return el("a", { href: safe, target: "_blank", rel: "noreferrer noopener" }, ...children);
}

function moment(entity, raw) {
  const node = el("time", { "data-unix": String(entity.unix_time), "data-format": entity.date_time_format ?? "", title: new Date(entity.unix_time * 1000).toLocaleString() }, raw);
  tell(node);
  return node;
}

function tell(node) {
  const unix = Number(node.dataset.unix);
  if (node.dataset.format !== "r") return;
  const seconds = Math.round(unix - Date.now() / 1000);
  const [amount, unit] = Math.abs(seconds) < 60 ? [seconds, "second"] : Math.abs(seconds) < 5400 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 3600), "hour"];
  node.textContent = new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(amount, unit);
}

/** Relative times count by themselves, as in Telegram's apps. */
setInterval(() => document.querySelectorAll("time[data-format=r]").forEach(tell), 1000);

const IDEAS = {
  en: ["gentle snow falls, slow zoom in", "fog drifts in, the camera pans left", "heavy rain", "the sky drifts, warm evening light", ""],
  de: ["leichter Schneefall, langsam heranzoomen", "Nebel zieht auf, die Kamera schwenkt nach links", "starker Regen", "der Himmel zieht, warmes Abendlicht", ""],
  it: ["neve leggera, zoom lento", "arriva la nebbia, la camera va a sinistra", "pioggia forte", "il cielo scorre, luce calda della sera", ""],
};

/** Captions to try, in the person's language where there are some. */
export const ideas = (locale) => (IDEAS[locale.slice(0, 2)] ?? IDEAS.en).filter(Boolean);

const ACTIONS = {
  typing: "typing", upload_photo: "sending a photo", record_video: "making a video", upload_video: "sending a video",
  upload_document: "sending a file", choose_sticker: "choosing a sticker",
};
export const actionText = (action) => ACTIONS[action] ?? "busy";
