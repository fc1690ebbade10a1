// Behind the scenes: what can be made to go wrong, and the log of what the bot called.

import { order } from "./api.js";
import { $, clock, el, toast } from "./dom.js";

const SHOTS = [
  ["Next clip arrives, but the bot hears a time-out", { method: "editMessageMedia", after: true, hold: 130 }],
  ["Next clip arrives, then the line breaks", { method: "editMessageMedia", after: true, drop: true }],
  ["“Too many requests”, wait 5 seconds", { method: "*", code: 429, retry_after: 5 }],
  ["“Bad gateway”, three times", { method: "*", code: 502, times: 3 }],
  ["Every third call gets lost", { method: "*", drop: true, rate: 0.33, times: null }],
  ["Everything takes two seconds longer", { method: "*", delay: 2, times: null }],
];

const run = async (path, body) => {
  try {
    await order(path, body);
  } catch (error) {
    toast(error.message);
  }
};

function toggle(label, checked, onChange) {
  const box = el("input", { type: "checkbox", role: "switch", checked, onchange: () => onChange(box.checked) });
  return el("label", {}, label, box);
}

/** Shows the switches as they are in `room`, for this person and this chat. */
export function showSwitches(room, person, chat) {
  const own = room.chats.find((one) => one.key === person.key);
  const switches = [
    toggle("Telegram cannot be reached", room.outage, (on) => run("rules", { outage: on })),
    toggle(`${person.name} blocks the bot`, own.bot_status === "kicked", (on) => run("person", { person: person.key, blocks: on })),
    toggle("Privacy mode in groups", room.privacy, (on) => run("rules", { privacy: on })),
    toggle("20 messages a minute into a group", room.group_limit, (on) => run("rules", { group_limit: on })),
  ];
  if (chat.kind !== "private") {
    const inside = ["member", "administrator"].includes(chat.bot_status);
    switches.push(
      toggle(`The bot is in ${chat.title}`, inside, (on) => run("chat", { chat: chat.key, bot: on ? "member" : "kicked" })),
      toggle("… and an administrator", chat.bot_status === "administrator", (on) => run("chat", { chat: chat.key, bot: on ? "administrator" : "member" })),
    );
  }
  $("switches").replaceChildren(...switches);
  const shots = SHOTS.map(([label, fault]) => el("button", { type: "button", onclick: () => run("fault", fault) }, label));
  if (chat.kind === "group") shots.push(el("button", { type: "button", onclick: () => run("chat", { chat: chat.key, migrate: true }) }, `Make ${chat.title} a supergroup`));
  shots.push(el("button", { type: "button", onclick: () => run("group", { title: `Group ${room.chats.length}`, people: room.people.map((one) => one.key) }) }, "Add another group with the bot"));
  $("one-shots").replaceChildren(...shots);
  const waiting = room.faults.map((fault) => el("li", {}, describe(fault)));
  if (waiting.length) waiting.push(el("li", {}, el("button", { type: "button", onclick: () => run("clear-faults", {}) }, "Stop all faults")));
  $("faults").replaceChildren(...waiting);
  $("pending").textContent = room.pending ? `${room.pending} update${room.pending > 1 ? "s" : ""} not yet fetched by the bot` : "";
}

function describe(fault) {
  const what = fault.code ? `answers ${fault.code}` : fault.drop ? "loses the connection" : fault.after ? "is done, but not answered" : `waits ${fault.delay} s`;
  const often = fault.times === null ? "until stopped" : fault.times === 1 ? "once" : `${fault.times} times`;
  return `${fault.method === "*" ? "Any call" : fault.method} ${what}, ${often}`;
}

const KEPT = 150;

/** Puts new calls on top of the log; polling is left out. */
export function showCalls(calls, isFirst) {
  if (isFirst) $("calls").replaceChildren();
  const told = calls.filter((call) => call.method !== "getUpdates" || call.status !== 200);
  for (const call of told) $("calls").prepend(callItem(call));
  while ($("calls").children.length > KEPT) $("calls").lastElementChild.remove();
}

function callItem(call) {
  const good = call.status === 200;
  const details = el(
    "details", {},
    el(
      "summary", {},
      el("time", {}, clock(call.at)),
      el("b", {}, call.method),
      el("span", { class: "ms" }, `${Math.round(call.seconds * 1000)} ms`),
      el("span", { class: `status ${good ? "" : "bad"}` }, call.status === 0 ? "lost" : String(call.status)),
    ),
  );
  details.addEventListener("toggle", () => {
    if (details.children.length > 1) return;
    const files = Object.keys(call.files).length ? { files: call.files } : {};
    details.append(el("pre", {}, JSON.stringify({ ...call.params, ...files, "→": call.answer }, null, 1)));
  });
  return el("li", {}, details);
}
