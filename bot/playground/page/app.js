// The chat page: what is there, who looks at it, and what they do.

import { follow, get, order } from "./api.js";
import { startComposer } from "./composer.js";
import { $, avatar, clock, el, showDialog, toast } from "./dom.js";
import { showCalls, showSwitches } from "./lab.js";
import { messageItem, serviceText, summary } from "./messages.js";
import { offerScenes } from "./scenes.js";
import { actionText } from "./words.js";

const state = {
  room: null,
  person: localStorage.getItem("person") ?? "ann",
  chat: localStorage.getItem("chat") ?? "ann",
  messages: new Map(), // "chat id:message id" → as the control interface shows it
  read: {}, // "person:chat" → highest message id that this person looked at
  waiting: [], // pressed buttons whose answer is still to come
};

const me = () => state.room.people.find((one) => one.key === state.person) ?? state.room.people[0];
const here = () => chatsOfMine().find((one) => one.key === state.chat) ?? chatsOfMine()[0];
const chatsOfMine = () => state.room.chats.filter((chat) => chat.members.includes(me().key));
const keyOf = (body) => `${body.chat.id}:${body.message_id}`;

function messagesOf(chat) {
  const ids = new Set(chat.ids);
  return [...state.messages.values()]
    .filter((seen) => ids.has(seen.message.chat.id) && !seen.deleted && (!seen.only_for || seen.only_for === me().id))
    .sort((one, other) => one.message.message_id - other.message.message_id);
}

async function act(path, body, files) {
  try {
    return await order(path, body, files);
  } catch (error) {
    toast(error.message);
    return null;
  }
}

// --- people and chats

function showPeople() {
  $("people").replaceChildren(...state.room.people.map((person) => el(
    "button", { type: "button", role: "radio", "aria-checked": String(person.key === me().key), onclick: () => become(person.key) },
    avatar(person), person.name,
  )));
  $("locale").value = me().locale;
}

function become(key) {
  const wasPrivate = here().kind === "private";
  state.person = key;
  if (wasPrivate || !here()) state.chat = key;
  remember();
  redraw();
}

function openChat(key) {
  state.chat = key;
  $("app").dataset.view = "chat";
  remember();
  redraw();
}

function remember() {
  localStorage.setItem("person", state.person);
  localStorage.setItem("chat", state.chat);
}

const titleOf = (chat) => (chat.kind === "private" ? state.room.bot.first_name : chat.title);
const faceOf = (chat) => (chat.kind === "private" ? avatar("bot") : avatar({ key: "group", name: chat.title, group: true }));

function showChats() {
  $("chats").replaceChildren(...chatsOfMine().map((chat) => {
    const messages = messagesOf(chat).filter(({ message }) => serviceText(message) !== null);
    const last = messages.at(-1)?.message;
    const seenUpTo = state.read[`${me().key}:${chat.id}`] ?? 0;
    const unread = messages.filter(({ message }) => message.message_id > seenUpTo && message.from.id !== me().id).length;
    const current = chat.key === here().key;
    const line = last ? `${last.from.id === me().id ? "You: " : ""}${summary(last)}` : "No messages yet";
    return el("li", {}, el(
      "button", { type: "button", "aria-current": String(current), onclick: () => openChat(chat.key) },
      faceOf(chat),
      el(
        "span", { class: "grow" },
        el("span", { class: "row" }, el("b", {}, titleOf(chat)), last ? el("time", { class: "quiet" }, clock(last.date)) : null),
        el("span", { class: "row" }, el("span", { class: "quiet" }, line), !current && unread ? el("span", { class: "unread", "aria-label": `${unread} unread` }, String(unread)) : null),
      ),
    ));
  }));
}

function showHeader() {
  const chat = here();
  $("chat-title").textContent = titleOf(chat);
  $("chat-avatar").replaceWith(Object.assign(faceOf(chat), { id: "chat-avatar" }));
  showAction();
}

function showAction() {
  const chat = here();
  const busy = chat.action && chat.action_until * 1000 > Date.now();
  const out = ["left", "kicked"].includes(chat.bot_status);
  const resting = chat.kind === "private"
    ? (out ? "you blocked this bot; write to let it back in" : state.room.running ? "bot" : "bot · not running right now, it will answer later")
    : `${chat.members.length + (out ? 0 : 1)} members${out ? ", without the bot" : ""}`;
  $("chat-status").textContent = busy ? `${chat.kind === "private" ? "" : `${state.room.bot.first_name} is `}${actionText(chat.action)}…` : resting;
  $("chat-status").classList.toggle("busy", Boolean(busy));
  const shown = !$("typing").hidden;
  $("typing").hidden = !busy;
  $("typing-text").textContent = busy ? actionText(chat.action) : "";
  if (busy && !shown) stayAtEnd();
}

// --- messages

let drawnFor = "";

function showMessages(changed) {
  const chat = here();
  const log = $("log");
  const atEnd = isAtEnd();
  const everything = drawnFor !== `${me().key}:${chat.key}`;
  drawnFor = `${me().key}:${chat.key}`;
  if (everything) log.replaceChildren();
  const known = new Map([...log.querySelectorAll("[data-key]")].map((item) => [item.dataset.key, item]));
  const messages = messagesOf(chat);
  const kept = new Set();
  let at = null;
  let day = "";
  log.querySelectorAll(".day").forEach((line) => line.remove());
  messages.forEach((seen, index) => {
    const key = keyOf(seen.message);
    let item = known.get(key);
    if (!item || changed?.has(key)) {
      const fresh = messageItem(seen, viewOf(seen, chat), item);
      fresh.dataset.key = key;
      if (!item && !everything) fresh.classList.add("new");
      const focused = item?.contains(document.activeElement);
      item?.replaceWith(fresh);
      if (focused) fresh.focus({ preventScroll: true });
      item = fresh;
    }
    if (!item.classList.contains("service")) frameOf(item, seen, messages[index - 1], messages[index + 1]);
    const date = dayOf(seen.message.date);
    if (date !== day) {
      day = date;
      const line = el("li", { class: "day" }, el("span", {}, date));
      log.insertBefore(line, at ? at.nextSibling : log.firstChild);
      at = line;
    }
    if (item.previousSibling !== at || item.parentNode !== log) log.insertBefore(item, at ? at.nextSibling : log.firstChild);
    at = item;
    kept.add(key);
  });
  known.forEach((item, key) => { if (!kept.has(key)) item.remove(); });
  if (document.visibilityState === "visible") state.read[`${me().key}:${chat.id}`] = messages.at(-1)?.message.message_id ?? 0;
  showWelcome(chat, messages.length);
  if (everything || atEnd || messages.at(-1)?.message.from.id === me().id) stayAtEnd();
}

function dayOf(seconds) {
  const date = new Date(seconds * 1000);
  return date.toDateString() === new Date().toDateString() ? "Today" : date.toLocaleDateString([], { day: "numeric", month: "long" });
}

/** Messages of one person within five minutes hang together. */
function frameOf(item, seen, before, after) {
  const together = (other) => other && serviceText(other.message) === undefined && other.message.from.id === seen.message.from.id
    && Math.abs(other.message.date - seen.message.date) < 300;
  item.classList.toggle("first", !together(before));
  item.classList.toggle("last", !together(after));
  const name = item.querySelector(".name");
  if (name) name.hidden = together(before);
}

function viewOf(seen, chat) {
  const body = seen.message;
  const own = body.from.id === me().id;
  const person = state.room.people.find((one) => one.id === body.from.id) ?? { key: "", name: body.from.first_name };
  const acts = [["reply", "Reply", () => composer.replyTo(seen)]];
  if (own) {
    if (body.text !== undefined || body.photo || body.document) acts.push(["edit", "Edit", () => composer.edit(seen)]);
    acts.push(["delete", "Delete", () => act("delete", { person: me().key, chat: chat.key, message_id: body.message_id })]);
  }
  return {
    own, isPrivate: chat.kind === "private", person, acts,
    onCommand: (text) => act("text", { person: me().key, chat: here().key, text }),
    onJump: (id) => jump(`${body.chat.id}:${id}`),
    onPress: (data) => press(chat, body.message_id, data),
  };
}

function jump(key) {
  const item = $("log").querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!item) return;
  item.scrollIntoView({ block: "center", behavior: "smooth" });
  item.classList.remove("flash");
  requestAnimationFrame(() => item.classList.add("flash"));
}

const isAtEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 120;
function stayAtEnd() {
  requestAnimationFrame(() => { $("scroll").scrollTop = $("scroll").scrollHeight; });
}
// Media and a growing composer change the height after a message was put in.
let wasAtEnd = true;
$("scroll").addEventListener("scroll", () => { wasAtEnd = isAtEnd(); }, { passive: true });
new ResizeObserver(() => { if (wasAtEnd) $("scroll").scrollTop = $("scroll").scrollHeight; }).observe($("log"));
new ResizeObserver(() => { if (wasAtEnd) $("scroll").scrollTop = $("scroll").scrollHeight; }).observe($("scroll"));

const PRESS_SECONDS = 15;

async function press(chat, messageId, data) {
  const pressed = await act("press", { person: me().key, chat: chat.key, message_id: messageId, data });
  if (!pressed) return;
  const answer = await new Promise((done) => {
    const entry = { query: pressed.query, done };
    state.waiting.push(entry);
    setTimeout(() => done(null), PRESS_SECONDS * 1000);
    askAnswers();
  });
  if (answer?.text && answer.show_alert) showDialog(state.room.bot.first_name, el("p", {}, answer.text));
  else if (answer?.text) toast(answer.text);
}

async function askAnswers() {
  for (const entry of [...state.waiting]) {
    const { answer } = await get(`queries/${entry.query}`);
    if (answer) {
      state.waiting = state.waiting.filter((other) => other !== entry);
      entry.done(answer);
    }
  }
}

// --- an empty chat

const box = el("div", { class: "scenes" });

function showWelcome(chat, count) {
  $("welcome").hidden = count > 0;
  if (count > 0) return;
  const isPrivate = chat.kind === "private";
  const description = me().description || "Send me a photo, with a caption that says what should happen in it, and it comes to life.";
  const start = el("button", { type: "button", class: "primary", onclick: () => act("text", { person: me().key, chat: chat.key, text: "/start" }) }, "Start");
  $("welcome").replaceChildren(
    el("h2", {}, isPrivate ? "What can this bot do?" : chat.title),
    el("p", {}, isPrivate ? description : "In a group, begin the caption of a photo with /animate, or answer your own photo with it."),
    ...(isPrivate ? [start] : []),
    el("p", { class: "steps" }, "Drag a photo in, or take one of these:"),
    box,
  );
}

// --- reply keyboards

function showKeyboard() {
  const chat = here();
  const rows = chat.kind === "private" ? chat.keyboard?.keyboard ?? [] : [];
  $("reply-keyboard").hidden = !rows.length;
  $("reply-keyboard").replaceChildren(...rows.map((row) => el("div", {}, ...row.map((button) => el(
    "button", { type: "button", onclick: () => (button.request_chat ? chooseChat(button.request_chat) : act("text", { person: me().key, chat: chat.key, text: button.text })) },
    button.text,
  )))));
}

function chooseChat(request) {
  const fits = (chat) => chat.kind !== "private" && (!request.bot_is_member || ["member", "administrator"].includes(chat.bot_status));
  const groups = chatsOfMine().filter(fits);
  const dialog = showDialog("Choose a group", ...(groups.length ? [] : [el("p", {}, "You are in no group with the bot.")]), ...groups.map((chat) => el(
    "button", { type: "button", class: "choice", onclick: () => { dialog.close(); act("share-chat", { person: me().key, shared: chat.key, request_id: request.request_id }); } },
    faceOf(chat), el("b", {}, chat.title),
  )));
}

// --- all of it

function redraw(changed) {
  if (!here()) state.chat = me().key;
  showPeople();
  showHeader();
  showMessages(changed);
  showChats();
  showKeyboard();
  composer.refresh();
  showSwitches(state.room, me(), here());
}

const composer = startComposer({ me, here, room: () => state.room, act, become });

follow((event, isFirst) => {
  if (isFirst) state.messages.clear();
  state.room = event.room;
  const changed = new Set();
  for (const seen of event.messages) {
    state.messages.set(keyOf(seen.message), seen);
    changed.add(keyOf(seen.message));
  }
  if (isFirst) drawnFor = "";
  redraw(changed);
  showCalls(event.calls, isFirst);
  askAnswers();
  document.body.dataset.ready = "true";
}, () => { $("chat-status").textContent = "the playground does not answer; trying again…"; });

setInterval(() => { if (state.room) showAction(); }, 700);
document.addEventListener("visibilitychange", () => { if (state.room) redraw(); });

$("locale").addEventListener("change", () => act("person", { person: me().key, locale: $("locale").value }));
$("back").addEventListener("click", () => { $("app").dataset.view = "list"; });
$("open-lab").addEventListener("click", () => showLab($("lab").hidden));
$("close-lab").addEventListener("click", () => showLab(false));
function showLab(open) {
  $("lab").hidden = !open;
  $("app").classList.toggle("lab-open", open);
  $("open-lab").setAttribute("aria-expanded", String(open));
  (open ? $("close-lab") : $("open-lab")).focus();
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("lab").hidden && $("lab").contains(document.activeElement)) showLab(false);
});

offerScenes(box, (file) => composer.attach([file]));
for (const other of document.querySelectorAll("[data-scenes]")) offerScenes(other, (file) => composer.attach([file]));
