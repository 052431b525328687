// Recordings that are opened: a file dropped anywhere on the page goes the way of one that is chosen, through the
// upload button with its checks. What is too large is said before it travels.

const LARGEST = Number(element.querySelector("[data-largest]").dataset.largest); // MB
let depth = 0; // of the nested elements that the file is over

const chooser = () => document.querySelector("#bench input[type=file]");

function refused(files) {
  const large = [...files].find((file) => file.size > LARGEST * 1e6);
  if (files.length === 1 && !large) return false;
  const text = large
    ? `${large.name} has ${plain(large.size / 1e6)} MB, and the page opens at most ${LARGEST} MB: cut it first.`
    : "One file at a time, please: the page shows one recording.";
  emit("notice", { text, error: true });
  return true;
}

function dragged(event, change) {
  if (!event.dataTransfer?.types.includes("Files")) return false;
  depth = change === 0 ? 0 : depth + change;
  document.body.classList.toggle("dropping", depth > 0);
  return true;
}

document.addEventListener("dragenter", (event) => dragged(event, 1));
document.addEventListener("dragleave", (event) => dragged(event, -1));
document.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!dragged(event, 0)) return;
  event.preventDefault();
  const { files } = event.dataTransfer;
  if (refused(files)) return;
  chooser().files = files;
  chooser().dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener(
  "change",
  (event) => {
    if (event.target !== chooser() || !event.target.files.length || !refused(event.target.files)) return;
    event.stopImmediatePropagation();
    event.target.value = "";
  },
  true,
);
