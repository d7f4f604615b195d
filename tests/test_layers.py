"""A module imports only from modules above it, and the package stays quick to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import assistant

PACKAGE = Path(assistant.__file__).parent
ORDER = (
    "errors schema settings text followups feedback words pdf readers knowledge files passages tokenizer models "
    "encoder catalogue lexical graphs vectors index ranking numerals quantities amounts lexicon claims alignment "
    "entailment support reranker retrieval answering guards llm generation assistant doctor verify llamaindex ui "
    "remote requests security desk pages login api completions mcp server watch terminal cli "
).split()
# A folder is one module to the others; within it the same rule holds. Of the readers, the folder itself
# comes before what runs it in children.
FOLDERS = {
    "readers": (
        "layout charset front_matter archive signatures cells html markdown plain tables docx pptx epub pdf "
        "__init__ worker"
    ).split(),
    "pdf": ["bidi", "repair", "glyphs", "marks", "lines", "layout", "__init__"],
    "ui": (
        "texts conversation render reading chat library knowledge_texts knowledge_render knowledge __init__"
    ).split(),
}
SLOW = ("mcp", "torch", "sentence_transformers", "transformers", "gradio", "llama_index", "chromadb", "onnxruntime")


def at_import(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when a module is imported: those of ``if``, ``try``, ``with`` and classes as well."""
    for node in statements:
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from at_import(node.orelse)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for name in ("body", "orelse", "finalbody"):
                yield from at_import(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from at_import(handler.body)


def imports(source: str) -> set[str]:
    """Dotted modules of the package, without its name, that ``source`` imports when it is imported itself."""
    found = set()
    for node in at_import(ast.parse(source).body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "assistant" else {module}
    return {name.removeprefix("assistant.") for name in found if name.startswith("assistant.")}


def test_every_module_has_its_place():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"} | set(FOLDERS)
    assert modules == set(ORDER)
    assert len(ORDER) == len(modules)
    for folder, order in FOLDERS.items():
        assert {path.stem for path in (PACKAGE / folder).glob("*.py")} == set(order)


@pytest.mark.parametrize("module", [name for name in ORDER if name not in FOLDERS])
def test_imports_go_upwards(module: str):
    found = {name.split(".")[0] for name in imports((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))}
    assert found <= set(ORDER[: ORDER.index(module)])


@pytest.mark.parametrize(("folder", "module"), [(name, module) for name, order in FOLDERS.items() for module in order])
def test_imports_within_a_folder_go_upwards(folder: str, module: str):
    order = FOLDERS[folder]
    found = imports((PACKAGE / folder / f"{module}.py").read_text(encoding="utf-8"))
    inside = {"__init__" if name == folder else name.split(".")[1] for name in found if name.split(".")[0] == folder}
    assert inside <= set(order[: order.index(module)])
    assert {name.split(".")[0] for name in found} - {folder} <= set(ORDER[: ORDER.index(folder)])


@pytest.mark.parametrize("module", ["errors", "schema"])
def test_the_first_two_modules_stand_alone(module: str):
    # the order would let schema import errors; DESIGN.md lets neither import anything of the package
    assert imports((PACKAGE / f"{module}.py").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from assistant import index, models", {"index", "models"}),
        ("from assistant.ui.texts import X", {"ui.texts"}),
        ("import assistant.cli as c", {"cli"}),
        ("try:\n    from assistant.cli import x\nexcept ImportError:\n    import assistant.ui", {"cli", "ui"}),
        ("if True:\n    import assistant.cli", {"cli"}),
        ("class A:\n    import assistant.cli", {"cli"}),
        ("if TYPE_CHECKING:\n    import assistant.cli\nelse:\n    import assistant.ui", {"ui"}),
        ("def f():\n    import assistant.cli", set()),
        ("import assistants.cli\nfrom typing import Any", set()),
    ],
)
def test_what_counts_as_an_import(source: str, found: set[str]):
    assert imports(source) == found


def loaded_after(statement: str) -> list[str]:
    code = f"import sys\n{statement}\nprint(*[name for name in {SLOW!r} if name in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", code], text=True, check=True, capture_output=True, cwd=PACKAGE.parent
    ).stdout.split()


def test_importing_the_package_loads_nothing_slow():
    assert loaded_after("import assistant") == []


def test_the_slow_ones_are_seen_where_they_are_loaded():
    # a misspelt name in SLOW would never be found; onnxruntime is the quickest of them to load
    assert loaded_after("import assistant, onnxruntime") == ["onnxruntime"]


def test_the_command_line_starts_without_the_engine():
    # a question that a running process answers must not wait for what only that process needs
    code = "import sys, assistant.cli; print('numpy' in sys.modules, 'assistant.index' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], text=True, check=True, capture_output=True, cwd=PACKAGE.parent)
    assert done.stdout == "False False\n"
