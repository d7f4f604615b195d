"""One tree of errors, drawn in the module's first lines and true to it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import assistant
from assistant import errors
from assistant.errors import DalilError

CLASSES = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)}
PARENTS = {
    "DalilError": "Exception",
    "SettingsError": "DalilError",
    "QuestionError": "DalilError",
    "DocumentError": "DalilError",
    "FactsError": "DalilError",
    "KnowledgeError": "DalilError",
    "ModelError": "DalilError",
    "ServerBusyError": "DalilError",
    "IndexStateError": "DalilError",
    "IndexBusyError": "IndexStateError",
    "IndexMismatchError": "IndexStateError",
    "VectorServerError": "IndexStateError",
}


def drawn_tree(docstring: str) -> dict[str, str]:
    """Class to parent, read from the drawing: four columns deeper is one level down."""
    path: list[str] = []
    parents = {}
    for line in docstring.splitlines():
        match = re.match(r"((?:[│ ] {3})*(?:[├└]── )?)([A-Z]\w+Error)\b", line)
        if match:
            level = len(match.group(1)) // 4
            path[level:] = [match.group(2)]
            parents[match.group(2)] = path[level - 1] if level else "Exception"
    return parents


def test_the_tree_is_the_one_that_is_drawn():
    assert {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()} == PARENTS
    assert drawn_tree(errors.__doc__ or "") == PARENTS


@pytest.mark.parametrize("name", sorted(PARENTS))
def test_every_error_is_caught_as_one_and_keeps_its_line(name: str):
    with pytest.raises(DalilError) as caught:
        raise CLASSES[name]("الملف a.md: غير صالح")
    assert str(caught.value) == "الملف a.md: غير صالح"


def test_a_question_that_cannot_be_asked_is_a_value_error_too():
    # callers who pass the question on know ValueError; no other error of ours is one
    assert [name for name, kind in CLASSES.items() if issubclass(kind, ValueError)] == ["QuestionError"]


def test_the_siblings_do_not_catch_each_other():
    # sync goes on after a DocumentError or FactsError, and stops at the others
    assert not issubclass(errors.KnowledgeError, (errors.DocumentError, errors.FactsError))
    assert not issubclass(errors.IndexBusyError, errors.IndexMismatchError)


@pytest.mark.parametrize("name", sorted(set(PARENTS) - {"DalilError", "IndexStateError"}))
def test_every_error_of_the_tree_is_raised_somewhere(name: str):
    package = Path(assistant.__file__).parent
    raised = {
        node.exc.func.id
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    }
    assert name in raised


def test_the_module_imports_nothing():
    tree = ast.parse(Path(errors.__file__).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
