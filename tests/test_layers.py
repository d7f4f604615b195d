"""A module imports only from modules above it, and the package stays quick to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import assistant

PACKAGE = Path(assistant.__file__).parent
ORDER = (
    "errors schema settings text readers knowledge passages models encoder catalogue lexical vectors index ranking "
    "retrieval answering assistant doctor llamaindex ui server cli"
).split()
SLOW = ("torch", "sentence_transformers", "transformers", "gradio", "llama_index", "chromadb", "onnxruntime")


def imports(path: Path) -> set[str]:
    """Modules of the package that a file imports when it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module == "assistant":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("assistant."):
            found.add(node.module.split(".")[1])
    return found


def test_every_module_has_its_place():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"} | {"ui"}
    assert modules == set(ORDER)


@pytest.mark.parametrize("module", ORDER)
def test_imports_go_upwards(module: str):
    files = (PACKAGE / "ui").glob("*.py") if module == "ui" else [PACKAGE / f"{module}.py"]
    above = set(ORDER[: ORDER.index(module)]) | ({"ui"} if module == "ui" else set())
    for file in files:
        assert imports(file) <= above, f"{file.name} imports {imports(file) - above}"


def test_importing_the_package_loads_nothing_slow():
    code = f"import sys, assistant; print([name for name in {SLOW!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
