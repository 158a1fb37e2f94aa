"""Every Python that the platform starts is isolated: what lies in a working directory is never imported."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


def started_interpreters(tree: ast.AST) -> list[tuple[int, str]]:
    """Return the line of every command that starts our own interpreter, with the argument that follows it."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple):
            words = [ast.unparse(each) for each in node.elts]
            following = dict(enumerate(words[1:]))
            found += [
                (node.lineno, following.get(n, "nothing")) for n, word in enumerate(words) if word == "sys.executable"
            ]
    return found


def test_every_interpreter_that_is_started_is_isolated():
    found = {
        f"{path.relative_to(SOURCE)}:{line}": following
        for path in SOURCE.rglob("*.py")
        for line, following in started_interpreters(ast.parse(path.read_text()))
    }
    assert len(found) >= 5
    assert set(found.values()) == {"'-I'"}, found


def test_no_interpreter_is_named_but_in_a_command():
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        named = sum(ast.unparse(node) == "sys.executable" for node in ast.walk(tree) if isinstance(node, ast.Attribute))
        assert named == len(started_interpreters(tree)), path


@pytest.mark.parametrize(
    ("code", "following"),
    [("[sys.executable, '-m', 'x']", "'-m'"), ("['a', sys.executable]", "nothing"), ("(sys.executable, '-I')", "'-I'")],
)
def test_a_command_is_recognised(code, following):
    assert started_interpreters(ast.parse(code)) == [(1, following)]
