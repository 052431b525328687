"""What a person does on the page that takes more than a line."""

from pathlib import Path

from playwright.sync_api import Page

DROP = """() => {
    const source = document.querySelector("#source");
    const dataTransfer = new DataTransfer();
    for (const file of source.files) dataTransfer.items.add(file);
    source.remove();
    for (const type of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }
}"""


def drop(page: Page, *paths: Path) -> None:
    page.evaluate("""() => {
        const source = Object.assign(document.createElement("input"), { type: "file", id: "source", multiple: true });
        document.body.append(source);
    }""")
    page.set_input_files("#source", paths)
    page.evaluate(DROP)
