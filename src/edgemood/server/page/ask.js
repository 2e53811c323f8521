// Questions to the server. All answers are told to whoever listens on `bus`, so that a lost server is noticed once.

export const bus = new EventTarget();
export const tell = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));
export const on = (name, act) => bus.addEventListener(name, (event) => act(event.detail));

const TRIES = 4; // a busy server (503) is asked so often, as late as it says
const PATIENCE_MS = 30000;
const NEEDS_LIBRARY = /^api\/(library|map|listener$|next)/;

/** An answer that is an error, or none at all: then its type is "Offline". */
export class ApiError extends Error {
  constructor(status, type, message) {
    super(message);
    Object.assign(this, { status, type });
  }
}

let listener = remembered("listener");

export function remembered(name, otherwise = "") {
  try {
    return localStorage.getItem(name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Storage is forbidden: it holds as long as the page.
  }
}

export const who = () => listener;
export function setListener(name) {
  listener = name;
  remember("listener", name);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function address(path, query) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of [value].flat()) if (one !== "" && one != null) url.searchParams.append(name, one);
  }
  return url;
}

async function send(method, url, body, signal, patience) {
  const waited = AbortSignal.timeout(patience);
  const options = { method, signal: signal ? either(signal, waited) : waited, credentials: "same-origin" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  try {
    return await fetch(url, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    tell("offline");
    throw new ApiError(0, "Offline", "edgemood does not answer");
  }
}

/** AbortSignal.any, which head units with older browsers lack. */
function either(...signals) {
  const one = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) one.abort();
    signal.addEventListener("abort", () => one.abort(), { once: true });
  }
  return one.signal;
}

async function failure(answer) {
  let said = {};
  try {
    said = (await answer.json()).error ?? {};
  } catch {
    // Something between the server and here answered in its own way.
  }
  return new ApiError(answer.status, said.type ?? "Error", said.message ?? `the server answered ${answer.status}`);
}

/** Ask; gives the Response. Throws ApiError, and what fetch throws when `signal` is aborted. */
export async function ask(method, path, { query, body, signal, patience = PATIENCE_MS } = {}) {
  const url = address(path, query);
  for (let attempt = 1; ; attempt++) {
    const answer = await send(method, url, body, signal, patience);
    if (answer.ok) {
      if (NEEDS_LIBRARY.test(path)) tell("whole");
      return answer;
    }
    if (answer.status === 503 && method === "GET" && attempt < TRIES && answer.headers.has("Retry-After")) {
      await pause(1000 * Math.min(10, Number(answer.headers.get("Retry-After")) || 1));
      continue;
    }
    if (answer.status === 401 && path !== "api/login") tell("login");
    const error = await failure(answer);
    if (error.status === 503 && error.type === "LibraryError") tell("degraded", error.message);
    throw error;
  }
}

export const get = async (path, query, signal) => (await ask("GET", path, { query, signal })).json();
export const send_ = async (method, path, body, query) => (await ask(method, path, { body, query })).json();

/** The same for what is a listener's. */
export const mine = (path, query, signal) => get(path, { ...query, listener: who() }, signal);
export const note = (path, body) => send_("POST", path, body, { listener: who() });
