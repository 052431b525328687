"""Imports go one way: read from the source, imports within functions included."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Who may import whom: a module only from layers before its own, or from its own.
LAYERS = [
    {
        "units",
        "parameters",
        "xla",
        "autodiff",
        "elimination",
        "partials",
        "polynomial",
        "progress",
        "atomic",
        "memory",
        "packing",
    },
    {"rates", "relaxation", "stimuli", "contour", "filters"},
    {"gates", "electrochemistry"},
    {"channels", "calcium"},
    {"dendrite", "rest"},
    {"neuron"},
    {"electrode", "dynamic_clamp"},
    {"protocols"},
    {"recording", "closed_form", "serialize", "solvers"},
    {"stability", "patch"},
    {"start", "signals", "arguments"},
    {"simulate", "describe"},
    {"ensemble", "rig", "rheobase", "gate_plot"},
    {"files", "analysis", "presets"},
    {"ui"},
]
LAYER = {name: k for k, layer in enumerate(LAYERS) for name in layer}
OPTIONAL = {"gradio", "matplotlib", "pyabf", "plotly"}


def imports(path: Path) -> list[tuple[str, bool]]:
    """The modules that a file imports, and whether it does so at its top (or for type checkers only)."""
    module = path.relative_to(ROOT).with_suffix("").parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.Import):
            found += [(alias.name, top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module[: len(module) - node.level] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            submodules = [f"{name}.{alias.name}" for alias in node.names if is_module(f"{name}.{alias.name}")]
            found += [(found_name, top) for found_name in submodules or [name]]
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = sorted([*ROOT.glob("patch_sim/**/*.py"), *ROOT.glob("fitting/**/*.py")])
PATCH_SIM = [path for path in SOURCES if path.parts[len(ROOT.parts)] == "patch_sim" and path.parent.name != "ui"]
FITTING = [path for path in SOURCES if path.parts[len(ROOT.parts)] == "fitting" and path.parent.name != "ui"]
FITTING_UI = [path for path in SOURCES if path.parts[len(ROOT.parts)] == "fitting" and path.parent.name == "ui"]


def ids(path: Path) -> str:
    return dotted(path)


@pytest.mark.parametrize("path", PATCH_SIM, ids=ids)
def test_patch_sim_knows_nothing_of_what_is_built_on_it(path):
    for name, _ in imports(path):
        assert name.split(".")[0] not in {"fitting", "app", "examples", "tests"}, name
        assert not name.startswith("patch_sim.ui"), f"{name} is for app.py alone"


@pytest.mark.parametrize("path", [path for path in PATCH_SIM if dotted(path) != "patch_sim"], ids=ids)
def test_imports_go_down_the_layers(path):
    own = dotted(path).split(".")[1]
    assert own in LAYER, f"say in LAYERS where {own} belongs"
    for name, _ in imports(path):
        if name.split(".")[0] == "patch_sim":
            assert name != "patch_sim", "a module of the package imports from the module that it needs"
            other = name.split(".")[1]
            assert other == own or LAYER[other] < LAYER[own], f"{own} imports {other}"


def test_there_is_no_cycle():
    graph = {}
    for path in SOURCES:
        name = dotted(path)
        parents = {other for other, _ in imports(path) if other.split(".")[0] in ("patch_sim", "fitting")}
        if "ui" not in name.split("."):
            # `import patch_sim as ps` in fitting is the whole package, which does not import fitting back
            graph[name] = parents - {name}
    tuple(TopologicalSorter(graph).static_order())  # raises a CycleError


@pytest.mark.parametrize("path", FITTING, ids=ids)
def test_fitting_uses_public_names_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for name, _ in imports(path):
        root = name.split(".")[0]
        assert root not in {"app", "examples", "tests", "gradio"}
        assert root != "patch_sim" or name == "patch_sim", f"{name}: import patch_sim as ps"
        assert not name.startswith("fitting.ui")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ps":
            assert not node.attr.startswith("_"), node.attr


@pytest.mark.parametrize("path", FITTING_UI, ids=ids)
def test_the_page_of_the_fit_builds_on_the_page_of_the_rig(path):
    for name, _ in imports(path):
        root = name.split(".")[0]
        assert root not in {"app", "examples", "tests"}
        assert root != "patch_sim" or name == "patch_sim" or name.startswith("patch_sim.ui"), name


@pytest.mark.parametrize("path", [*PATCH_SIM, *FITTING], ids=ids)
def test_optional_packages_are_imported_where_they_are_used(path):
    for name, top in imports(path):
        assert not (top and name.split(".")[0] in OPTIONAL), f"{name} at the top of {dotted(path)}"


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.py")), ids=ids)
def test_examples_use_public_names_only(path):
    for name, _ in imports(path):
        if name.split(".")[0] in ("patch_sim", "fitting"):
            assert name in ("patch_sim", "fitting"), name


def test_the_reader_of_imports_reads(tmp_path):
    assert ("patch_sim.neuron", True) in imports(ROOT / "patch_sim" / "simulate.py")
    assert any(name == "matplotlib" and not top for name, top in imports(ROOT / "patch_sim" / "recording.py"))
    assert len(PATCH_SIM) > 15
    assert len(FITTING) > 5
