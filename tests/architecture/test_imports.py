"""What the import contracts cannot say: they equal the stages' order, stages meet at package roots, rules stay pure."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import leadtime
from leadtime.flow import STAGES

SOURCE = Path(leadtime.__file__).parent
ROOT = SOURCE.parent.parent
MODULES = sorted(SOURCE.rglob("*.py"))
VALUE_LIBRARIES = {"packageurl", "packaging", "univers", "cvss"}
"""Libraries of values, named in decision records: they hold no state and do no input or output."""

FORMAT_LIBRARIES = VALUE_LIBRARIES | {"jsonschema_rs", "csaf"}
"""What formats may use besides: validators of documents, from bytes to verdict."""

PURE_ROOMS = {SOURCE / "flow" / "validation" / "oracles"}
"""Rooms that are nothing but rules, one file for each."""

OWN_ROOMS = {"foundation", "flow", "formats"}


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Each import of a file as the full name of what it imports; ``from a import b`` is ``a.b``."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports by a relative name"
            yield from ((node, f"{node.module}.{name.name}") for name in node.names)


def is_module(name: str) -> bool:
    place = SOURCE.parent.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def stage_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["leadtime", "flow"] and len(parts) > 2 and parts[2] in STAGES else None


def pure(path: Path) -> bool:
    decides = path.name in {"rules.py", "records.py"} or path.parent in PURE_ROOMS
    in_flow = stage_of(module_of(path)) is not None and decides
    return in_flow or (path.is_relative_to(SOURCE / "formats") and path.parent.name != "vendor")


def test_the_contracts_have_the_stages_in_their_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    stages = next(contract for contract in contracts if contract.get("containers") == ["leadtime.flow"])
    assert stages["layers"] == list(reversed(STAGES))
    assert stages["exhaustive"]
    assert all("ignore_imports" not in contract for contract in contracts)


def test_every_stage_is_a_package_with_records_and_rules_that_says_what_it_takes_and_gives() -> None:
    rooms = {path.parent.name for path in (SOURCE / "flow").glob("*/__init__.py")}
    assert rooms == set(STAGES)
    for stage in STAGES:
        text = ast.get_docstring(ast.parse((SOURCE / "flow" / stage / "__init__.py").read_bytes())) or ""
        words = ("Takes:", "Gives:", "Decides:", "Refuses:", "Standard:")
        lines = [line for line in text.splitlines() if line.startswith(words)]
        assert [line.split()[0] for line in lines] == list(words), stage


@pytest.mark.parametrize("path", [path for path in MODULES if stage_of(module_of(path))], ids=module_of)
def test_stages_meet_at_their_package_roots(path: Path) -> None:
    own = stage_of(module_of(path))
    for node, name in imports_of(path):
        other = stage_of(name)
        if other in (None, own):
            continue
        root = f"leadtime.flow.{other}"
        behind_the_root = name.count(".") > root.count(".") + 1 or (name != root and is_module(name))
        assert not behind_the_root, f"{path}:{node.lineno} reaches behind {root}"


@pytest.mark.parametrize("path", [path for path in MODULES if pure(path)], ids=module_of)
def test_rules_records_and_formats_do_no_input_or_output(path: Path) -> None:
    for node, name in imports_of(path):
        top, _, rest = name.partition(".")
        where = f"{path}:{node.lineno} imports {name}"
        if top == "leadtime":
            assert rest.split(".")[0] in OWN_ROOMS, where
            assert not rest.startswith("foundation.database"), where
            assert ".tables" not in rest, where
        else:
            libraries = VALUE_LIBRARIES if stage_of(module_of(path)) else FORMAT_LIBRARIES
            assert top in sys.stdlib_module_names or top in libraries, where
            assert top not in {"socket", "subprocess", "os", "random", "secrets", "time", "urllib", "http"}, where


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_no_function_imports(path: Path) -> None:
    tree = ast.parse(path.read_bytes())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not inside, f"{path}:{inside[0].lineno} imports inside a function"


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_files_and_functions_keep_to_their_bounds(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400, f"{path} is two files"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 60, f"{path}:{node.lineno} {node.name} is {lines} lines long"


@pytest.mark.parametrize("path", [path for path in MODULES if pure(path)], ids=module_of)
def test_rules_records_and_formats_read_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_bytes())):
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        assert called not in {"now", "today", "utcnow"}, f"{path}:{node.lineno} reads the clock"
