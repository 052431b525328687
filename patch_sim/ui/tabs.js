// Tabs of the panels that stand in the same column: whatever has a `data-tab`, its label.

const list = element.querySelector(".tabs");
const column = element.closest(".column");

function pick(tab) {
  for (const button of list.children) {
    const chosen = button === tab;
    button.setAttribute("aria-selected", chosen);
    button.tabIndex = chosen ? 0 : -1;
    button.panel.closest(".block").classList.toggle("away", !chosen);
  }
  emit("tab", tab.textContent);
}

function build() {
  const panels = [...column.querySelectorAll("[data-tab]")];
  list.replaceChildren(
    ...panels.map((panel, k) => {
      panel.id ||= `${column.id}-tab-${k}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-label", panel.dataset.tab);
      const press = (event) => pick(event.currentTarget);
      const button = make("button", { type: "button", role: "tab", "aria-controls": panel.id, onclick: press });
      button.textContent = panel.dataset.tab;
      button.panel = panel;
      return button;
    }),
  );
  if (list.firstChild) pick(list.firstChild);
}

list.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...list.children];
  const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
  next.focus();
  pick(next);
});

on("show tab", (label) => {
  const tab = [...list.children].find((button) => button.textContent === label);
  if (tab) pick(tab);
});

whenOpen(build);
