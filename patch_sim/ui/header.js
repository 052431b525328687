// The header: who the page is to the server, the history of what was set up, links, code, help and theme.

const THEME_KEY = "patch_sim.theme";
const LINK = "#rig=";
const find = (selector) => element.querySelector(selector);

// ---------------------------------------------------------------- opening

// `props.page` says who this is and what to begin with; a link may know better.
watch("page", async () => {
  if (!props.page) return;
  const { token, state, news } = JSON.parse(props.page);
  const first = rig.token === null;
  rig.token = token;
  if (first) {
    const link = await linked();
    rig.state = link ?? state;
    emit("open");
    emit("state");
    if (link) emit("run");
  }
  if (news) emit("notice", news);
  emit("traces");
});

// What a link to this page says, if it says anything.
async function linked() {
  if (!location.hash.startsWith(LINK)) return null;
  try {
    const bytes = Uint8Array.from(
      atob(location.hash.slice(LINK.length).replaceAll("-", "+").replaceAll("_", "/")),
      (c) => c.charCodeAt(0),
    );
    return await call("check", new TextDecoder().decode(bytes));
  } catch (error) {
    rig.broken = `The link cannot be followed: ${error.message}`; // whoever shows it may not be there yet
    return null;
  }
}

async function copyLink() {
  const bytes = new TextEncoder().encode(JSON.stringify(rig.state));
  const text = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
  history.replaceState(null, "", LINK + text);
  await copy(location.href, find("[name=link]"));
}

async function copy(text, button) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "In the address bar";
  }
  setTimeout(() => (button.textContent = words), 1500);
}

// Whether the program is still there is noticed also by a page that nobody touches.
setInterval(() => rig.token && !document.hidden && call("alive").catch(() => {}), 2000);

// ---------------------------------------------------------------- buttons

const clicked = {
  undo,
  redo,
  link: copyLink,
  help: () => find("dialog.help").showModal(),
  theme: () => {
    const dark = document.body.classList.toggle("dark");
    localStorage.setItem(THEME_KEY, dark ? "dark" : "light");
  },
  code: async () => {
    const text = await ask("code", rig.state);
    if (text === undefined) return;
    find("dialog.code pre").textContent = text;
    find("dialog.code").showModal();
  },
  copy: ({ target }) => copy(find("dialog.code pre").textContent, target),
  close: ({ target }) => target.closest("dialog").close(),
};

for (const button of element.querySelectorAll("button[name]")) button.addEventListener("click", clicked[button.name]);

function typing() {
  return document.activeElement?.matches("input:not([type=range], [type=checkbox]), textarea, select") ?? false;
}

document.addEventListener("keydown", (event) => {
  if (typing()) return;
  if (event.key === "?") clicked.help();
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  event.preventDefault();
  (event.shiftKey ? redo : undo)();
});

const remembered = localStorage.getItem(THEME_KEY);
if (remembered) document.body.classList.toggle("dark", remembered === "dark");

on("state", () => {
  find("[name=undo]").disabled = !rig.past.length;
  find("[name=redo]").disabled = !rig.future.length;
});
