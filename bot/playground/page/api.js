// Talks to the playground's control interface.

export async function get(path) {
  const response = await fetch(`/play/${path}`);
  return response.json();
}

/** Orders something; files are {part name: Blob}. Throws an Error with the playground's sentence. */
export async function order(path, body, files = {}) {
  const names = Object.keys(files);
  let init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  if (names.length) {
    const form = new FormData();
    form.append("order", JSON.stringify(body));
    for (const name of names) form.append(name, files[name], name);
    init = { method: "POST", body: form };
  }
  const response = await fetch(`/play/${path}`, init);
  const answer = await response.json().catch(() => ({ error: `The playground answered ${response.status}.` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Calls `onEvent(event, isFirst)` for everything that changes; the first event holds all there is. */
export function follow(onEvent, onLost) {
  const source = new EventSource("/play/events");
  let first = true;
  source.onopen = () => { first = true; };
  source.onmessage = ({ data }) => {
    onEvent(JSON.parse(data), first);
    first = false;
  };
  source.onerror = onLost;
}

export const mediaUrl = (fileId) => `/play/media/${encodeURIComponent(fileId)}`;
