// Small words for building the page.

export const $ = (id) => document.getElementById(id);

/** An element: `el("p", { class: "x", onclick: f }, "text", child)`. Texts are never parsed as HTML. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

let toastTimer;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 4200);
}

/** A dialog with a title and content; closes by its button, Escape, or `close()` of what it returns. */
export function showDialog(title, ...content) {
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...content);
  $("dialog").showModal();
  return $("dialog");
}

export function avatar(person, extra = "") {
  if (person === "bot") return el("div", { class: `avatar bot ${extra}`, "aria-hidden": "true" }, el("img", { src: "icon.svg", alt: "" }));
  const { key, name, group } = person;
  return el("div", { class: `avatar ${group ? "group" : key} ${extra}`, "aria-hidden": "true" }, [...name][0] ?? "?");
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1024))} kB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
