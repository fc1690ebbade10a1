// One message as page elements.

import { mediaUrl } from "./api.js";
import { avatar, clock, el, icon, size } from "./dom.js";
import { marked } from "./words.js";

const WIDEST = 420;
const TALLEST = 440;

const largest = (sizes) => sizes.reduce((best, one) => (one.width * one.height > best.width * best.height ? one : best));

/** The one kind of media in a message: {kind, file, width, height}, or null. */
export function mediaOf(body) {
  if (body.photo) return { kind: "photo", ...largest(body.photo) };
  if (body.animation) return { kind: "animation", ...body.animation };
  if (body.video) return { kind: "video", ...body.video };
  if (body.document) return { kind: "document", ...body.document };
  return null;
}

/** A line that stands for a message: in the chat list, in a quote. */
export function summary(body) {
  const words = body.text ?? body.caption;
  const media = mediaOf(body);
  const label = media && { photo: "Photo", video: "Video", animation: "Animation", document: media.file_name ?? "File" }[media.kind];
  if (words) return label && media.kind !== "document" ? `${label} · ${words}` : words;
  return label ?? serviceText(body) ?? "";
}

export function serviceText(body) {
  const names = (people) => people.map((one) => one.first_name).join(", ");
  if (body.new_chat_members) return `${names(body.new_chat_members)} joined the group`;
  if (body.left_chat_member) return `${body.left_chat_member.first_name} left the group`;
  if (body.migrate_to_chat_id) return "The group is now a supergroup";
  if (body.migrate_from_chat_id) return null;
  if (body.chat_shared) return `You shared ${body.chat_shared.title ?? "a group"} with the bot`;
  return undefined;
}

/**
 * The list item of a message. `view` says how to see it: {own, isPrivate, person, onPress, onCommand, onJump, acts}.
 * `previous` is the element that it replaces: a playing video moves over, so that an edit does not restart it.
 */
export function messageItem(seen, view, previous) {
  const body = seen.message;
  const service = serviceText(body);
  if (service !== undefined) return el("li", { class: "service", hidden: service === null }, el("span", {}, service ?? ""));
  const media = mediaOf(body);
  const framed = media && media.kind !== "document";
  const stamp = el("span", { class: "stamp" }, `${body.edit_date && !body.from.is_bot ? "edited " : ""}${clock(body.date)}`);
  const words = wordsOf(body, view);
  const bubble = el(
    "div", { class: `bubble ${framed ? "media" : ""}` },
    nameLine(body, view),
    quote(body, view),
    framed ? frame(media, body, previous) : null,
    media && !framed ? documentRow(media) : null,
  );
  if (words && body.show_caption_above_media && framed) bubble.insertBefore(words, bubble.querySelector(".frame"));
  else if (words) bubble.append(words);
  if (seen.only_for) bubble.append(el("div", { class: "only" }, "only you can see this"));
  if (words && !body.show_caption_above_media) words.append(stamp);
  else bubble.append(stamp);
  if (seen.reactions.length) bubble.append(el("div", { class: "reactions" }, ...seen.reactions.map((emoji) => el("span", {}, emoji))));
  const stack = el("div", { class: "stack" }, bubble, keys(body, view), acts(view));
  if (framed) stack.style.maxWidth = `min(100%, max(250px, calc(${bubble.querySelector(".frame").style.width} + 8px)))`;
  const item = el(
    "li", { class: `message ${view.own ? "own" : "other"} ${view.isPrivate ? "private" : ""}`, tabindex: "0" },
    view.own || view.isPrivate ? null : avatar(body.from.is_bot ? "bot" : view.person),
    stack,
  );
  item.setAttribute("aria-label", `${body.from.first_name}, ${clock(body.date)}`);
  return item;
}

function nameLine(body, { own, isPrivate, person }) {
  if (own || isPrivate) return null;
  return el("div", { class: `name ${body.from.is_bot ? "bot" : person.key}` }, body.from.first_name);
}

function wordsOf(body, { onCommand }) {
  const text = body.text ?? body.caption;
  if (!text) return null;
  return el("div", { class: "words", dir: "auto" }, ...marked(text, body.entities ?? body.caption_entities, onCommand));
}

function quote(body, { onJump }) {
  const answered = body.reply_to_message;
  if (!answered) return null;
  const media = mediaOf(answered);
  return el(
    "button", { class: "quote", type: "button", onclick: () => onJump(answered.message_id) },
    media?.kind === "photo" ? el("img", { src: mediaUrl(media.file_id), alt: "" }) : null,
    el("span", { class: "grow" }, el("b", {}, answered.from.first_name), el("span", {}, summary(answered))),
  );
}

function frame(media, body, previous) {
  const old = previous?.querySelector(`.frame[data-file="${CSS.escape(media.file_id)}"]`);
  if (old) return old;
  const photo = media.kind === "photo";
  const [width, height] = fit(media.width || 16, media.height || 9);
  const box = el("div", { class: `frame ${photo ? "" : "moving"} ${body.has_media_spoiler ? "veiled" : ""}`, "data-file": media.file_id });
  box.style.width = `${width}px`;
  box.style.maxWidth = "100%";
  box.style.aspectRatio = `${width} / ${height}`;
  if (body.has_media_spoiler) box.addEventListener("click", () => box.classList.remove("veiled"), { once: true });
  const source = mediaUrl(media.file_id);
  if (photo) box.append(el("img", { src: source, alt: body.caption ? `Photo: ${body.caption}` : "Photo" }));
  else box.append(moving(source, body));
  return box;
}

function moving(source, body) {
  // The controls would cover the clip: they show under the pointer and with the focus.
  const controls = (on) => ({ currentTarget }) => { currentTarget.controls = on; };
  const video = el("video", {
    src: source, autoplay: true, loop: true, playsInline: true, tabIndex: 0,
    onpointerenter: controls(true), onpointerleave: controls(false), onfocus: controls(true), onblur: controls(false),
    "aria-label": body.caption ? `Clip: ${body.caption}` : "Clip",
  });
  video.muted = true;
  video.play().catch(() => { /* the browser wants a click first; the controls are there */ });
  return video;
}

function fit(width, height) {
  const scale = Math.min(WIDEST / width, TALLEST / height);
  return [Math.max(110, Math.round(width * scale)), Math.max(80, Math.round(height * scale))];
}

function documentRow(media) {
  return el(
    "a", { class: "document", href: mediaUrl(media.file_id), download: media.file_name ?? "file" },
    el("span", { class: "disc" }, icon("file")),
    el("span", { class: "grow" }, el("b", {}, media.file_name ?? "File"), el("span", { class: "quiet" }, size(media.file_size ?? 0))),
  );
}

function keys(body, { onPress }) {
  const rows = body.reply_markup?.inline_keyboard;
  if (!rows?.length) return null;
  return el("div", { class: "keys" }, ...rows.map((row) => el("div", {}, ...row.map((button) => key(button, onPress)))));
}

function key(button, onPress) {
  if (button.url) return el("a", { href: /^https?:/i.test(button.url) ? button.url : undefined, target: "_blank", rel: "noreferrer noopener" }, button.text);
  if (!button.callback_data) return el("button", { type: "button", disabled: true, title: "Not in the playground" }, button.text);
  return el("button", {
    type: "button",
    onclick: async ({ currentTarget }) => {
      currentTarget.setAttribute("aria-busy", "true");
      await onPress(button.callback_data);
      currentTarget.removeAttribute("aria-busy");
    },
  }, button.text);
}

function acts({ acts: offered }) {
  if (!offered.length) return null;
  return el("div", { class: "acts" }, ...offered.map(([name, label, run]) => el("button", { type: "button", "aria-label": label, title: label, onclick: run }, icon(name))));
}
