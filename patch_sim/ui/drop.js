// A file dropped anywhere on the page goes through the upload button, with its checks.
let depth = 0; // of the nested elements that the file is over

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
  if (files.length !== 1) {
    return emit("notice", { text: "One file at a time, please: the page shows one recording.", error: true });
  }
  const input = document.querySelector("#open input[type=file], #open ~ input[type=file], #bench input[type=file]");
  input.files = files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
