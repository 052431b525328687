// What all panels of a page share. `panel.py` puts this text in front of each panel's own.
//
// `rig.state` is all that is set up, {cell, protocol, electrode}, as in state.py. It is replaced, never changed in place,
// and whoever shows something of it listens: on("state", ...).

// (Not `window.rig`: that is the element of that id.)
const rig = (window.patchSim ??= { token: null, state: null, past: [], future: [] });

// Ask the server. What goes wrong is thrown as an Error that can be shown to a person.
async function call(name, ...values) {
  const answer = await server[name](JSON.stringify([rig.token, values])).catch(() => undefined);
  if (answer === undefined) {
    document.body.classList.add("lost");
    throw new Error("Connection lost: is the program still running?");
  }
  // (Whoever watches the classes of the body for another theme is told of each removal, also of one that removes nothing.)
  if (document.body.classList.contains("lost")) document.body.classList.remove("lost");
  const { value, error, expired } = JSON.parse(answer);
  if (expired) throw new Error("This page has expired: load it anew.");
  if (error) throw new Error(error);
  return value;
}

// Ask, and show what went wrong where the person looks; then the answer is undefined.
async function ask(name, ...values) {
  try {
    return await call(name, ...values);
  } catch (error) {
    emit("notice", { text: error.message, error: true });
  }
}

function emit(name, detail) {
  document.dispatchEvent(new CustomEvent(`rig:${name}`, { detail }));
}

function on(name, react) {
  document.addEventListener(`rig:${name}`, ({ detail }) => react(detail));
}

// When the server knows the page: at once if it does already.
function whenOpen(react) {
  if (rig.state) react();
  else document.addEventListener("rig:open", () => react(), { once: true });
}

// Replace what is set up, so that it can be undone. Changes under the same name within a second are one step.
function change(state, name = "") {
  const now = performance.now();
  if (!name || name !== rig.last?.name || now - rig.last.at > 1000) rig.past.push(rig.state);
  rig.last = { name, at: now };
  rig.future = [];
  rig.state = state;
  emit("state");
}

function undo() {
  travel(rig.past, rig.future);
}

function redo() {
  travel(rig.future, rig.past);
}

function travel(from, to) {
  if (!from.length) return;
  to.push(rig.state);
  rig.state = from.pop();
  rig.last = null;
  emit("state");
}

// Call a function once, some time (ms) after the last of many requests.
function debounce(react, delay) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => react(...values), delay);
  };
}

// An element: make("button", { class: "run", onclick: start }, "Run", ...).
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// A file for the person: text, or base64 of bytes.
function download(name, data, base64 = false) {
  const content = base64 ? Uint8Array.from(atob(data), (character) => character.charCodeAt(0)) : data;
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob([content])) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// A number as people write it: 4 digits, no trailing zeros, a true minus sign.
function plain(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "\u2013";
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replace("-", "\u2212");
}
