// The header: its button switches between the dark and the light theme, and the browser remembers the choice.
const THEME_KEY = "patch_sim.theme";

const remembered = localStorage.getItem(THEME_KEY);
if (remembered) document.body.classList.toggle("dark", remembered === "dark");

element.querySelector(".theme").addEventListener("click", () => {
  const dark = document.body.classList.toggle("dark");
  localStorage.setItem(THEME_KEY, dark ? "dark" : "light");
});
