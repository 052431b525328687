"""The JavaScript of each panel as a whole, as the page composes it: what `.ci/run` cannot see in single files."""

import json
import re
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def scripts(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file for each panel."""
    folder = tmp_path_factory.mktemp("scripts")
    with urlopen(f"{url}config") as answer:
        components = json.load(answer)["components"]
    for component in components:
        if code := component["props"].get("js_on_load"):
            (folder / f"{component['id']}_{component['props']['elem_id']}.js").write_text(code, encoding="utf-8")
    return folder


def lint(folder: Path, *rules: str) -> list[str]:
    """What is wrong with the files of a folder."""
    denied = [f"--deny=eslint/{rule}" for rule in rules]
    command = ["oxlint", f"--config={ROOT / '.ci' / 'oxlint.json'}", "--format=json", *denied, "."]
    answer = json.loads(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout)
    assert answer["number_of_files"] == len(list(folder.iterdir()))
    return [f"{found['filename']}: {found['message']}" for found in answer["diagnostics"]]


def test_every_name_is_defined_and_none_is_changed_that_could_be_constant(scripts: Path):
    assert lint(scripts, "no-undef", "no-redeclare", "no-const-assign", "prefer-const") == []


def test_no_name_is_unused_in_every_panel_that_has_it(scripts: Path):
    texts = [path.read_text(encoding="utf-8") for path in scripts.iterdir()]
    unused = [match[1] for found in lint(scripts, "no-unused-vars") if (match := re.search(r"'(\w+)'", found))]
    for name in set(unused) - {"_"}:
        having = sum(bool(re.search(rf"^(const|let|async function|function) {name}\b", text, re.M)) for text in texts)
        assert unused.count(name) < having, f"{name} is used nowhere"
