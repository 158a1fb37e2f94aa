"""Read a recipe (``leadtime.recipe/1``): how its finder says to build and run one target.

A recipe is a stranger's word. Here it is only read, within bounds; what it claims is checked by running it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from leadtime.flow.validation.acts.records import ExitCodes
from leadtime.flow.validation.records import Oracle
from leadtime.foundation.errors import Malformed, Refused
from leadtime.foundation.strict_json import Json, JsonBounds, path_to, read_json
from leadtime.packages.purls import Purl, parse_purl

SCHEMA = "leadtime.recipe/1"
RECIPE_BYTES_MAX = 256 * 1024
BOUNDS = JsonBounds(bytes_max=RECIPE_BYTES_MAX, depth_max=16, values_max=10_000)
COMMANDS_MAX = 100
COMMAND_CHARS_MAX = 20_000
FILES_MAX = 64
NAME_CHARS_MAX = 255
NEEDS_MAX = 50
VARIABLES_MAX = 50
VALUE_CHARS_MAX = 4_000
EXIT_CODE_MAX = 255
FETCHED_TYPES = ("pypi", "npm", "deb", "generic", "github")

_PART = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,255}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_]+)\}")
_NEED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9<>=!~.,* \[\]-]*\Z")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,99}\Z")
_LOADER_VARIABLE = re.compile(r"LD_|GCONV_PATH\Z|GLIBC_TUNABLES\Z|BASH_ENV\Z|ENV\Z|SHELLOPTS\Z")
BUILD_PLACEHOLDERS = frozenset({"src", "site", "python"})
RUN_PLACEHOLDERS = BUILD_PLACEHOLDERS | {"input"}


@dataclass(frozen=True, slots=True)
class RecipeLimits:
    """What one target may use: seconds for the whole build, seconds for one run, MiB of memory for either."""

    build_s: int = 600
    run_s: int = 60
    memory_mib: int = 2048


LIMITS_MAX = RecipeLimits(build_s=3600, run_s=600, memory_mib=16_384)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One target: the release with the flaw, the one without, and commands with their placeholders.

    ``files`` and ``control`` are plain relative names beside the recipe; ``env`` is set for build and run. ``tests``
    are commands that a patch must not break; each passes with exit code 0. ``exits``: under the
    oracle ``exit``, which codes tell.
    """

    vulnerable: Purl
    fixed: Purl | None
    files: tuple[str, ...]
    needs_pypi: tuple[str, ...]
    needs_debian: tuple[str, ...]
    build: tuple[str, ...]
    run: str
    env: tuple[tuple[str, str], ...]
    oracle: Oracle
    control: str | None
    limits: RecipeLimits
    tests: tuple[str, ...] = ()
    exits: ExitCodes | None = None

    def uses(self, placeholder: str) -> bool:
        """Tell whether any command has ``{placeholder}``."""
        return any(placeholder in _PLACEHOLDER.findall(command) for command in (*self.build, self.run, *self.tests))


def parse_recipe(raw: bytes) -> Recipe:
    """Return the recipe that ``raw`` is; members that it does not know are ignored.

    Raises `Malformed` naming the place for whatever is not well formed or points outside the recipe's folder, and
    `Refused` for an oracle or a kind of release that is not supported.
    """
    top = _object(read_json(raw, BOUNDS), "$")
    if top.get("schema") != SCHEMA:
        raise Malformed(f"the schema must be {SCHEMA}", where="$.schema", next_step="Correct it.")
    subject = _object(top.get("subject"), "$.subject")
    needs = _object(top.get("needs") or {}, "$.needs")
    fixed = subject.get("fixed")
    control = top.get("control")
    oracle = _oracle(top.get("oracle"))
    return Recipe(
        vulnerable=_release(subject.get("vulnerable"), "$.subject.vulnerable"),
        fixed=None if fixed is None else _release(fixed, "$.subject.fixed"),
        files=_files(top.get("files")),
        needs_pypi=_matching(needs.get("pypi"), "$.needs.pypi", _NEED),
        needs_debian=_matching(needs.get("debian"), "$.needs.debian", _PACKAGE),
        build=_commands(top.get("build"), "$.build"),
        run=_command(top.get("run"), "$.run", RUN_PLACEHOLDERS),
        env=_variables(top.get("env")),
        oracle=oracle,
        control=None if control is None else _file_name(control, "$.control"),
        limits=_limits(top.get("limits")),
        tests=_commands(top.get("tests"), "$.tests"),
        exits=_exits(top.get("exit"), oracle),
    )


def fill(command: str, places: Mapping[str, str]) -> str:
    """Return ``command`` with each placeholder replaced by its place; the places need no quoting."""
    return _PLACEHOLDER.sub(lambda found: places[found[1]], command)


def _object(value: Json, where: str) -> dict[str, Json]:
    if value is None:
        raise Malformed("a field is missing", where=where, next_step="Add it.")
    if not isinstance(value, dict):
        raise Malformed("this must be an object", where=where, next_step="Write it in braces.")
    return value


def _list(value: Json, where: str, items_max: int) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed("this must be a list", where=where, next_step="Write it in brackets.")
    if len(value) > items_max:
        raise Malformed(f"this has more than {items_max} items", where=where, next_step="Write fewer.")
    return value


def _text(value: Json, where: str, chars_max: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Malformed("this must be text that is not empty", where=where, next_step="Fill it in.")
    if len(value) > chars_max:
        raise Malformed(f"this has more than {chars_max} characters", where=where, next_step="Shorten it.")
    if "\0" in value:
        raise Malformed("this holds a NUL character", where=where, next_step="Remove it.")
    return value


def _release(value: Json, where: str) -> Purl:
    purl = parse_purl(_text(value, where, VALUE_CHARS_MAX), where=where)
    if purl.type not in FETCHED_TYPES:
        raise Refused(
            f"releases of type {purl.type} are not fetched",
            where=where,
            next_step=f"Use one of type {', '.join(FETCHED_TYPES)}.",
        )
    if not purl.version:
        raise Malformed("a release needs a version", where=where, next_step="Add one, like pkg:pypi/name@1.0.")
    return purl


def _files(value: Json) -> tuple[str, ...]:
    names = [_file_name(name, f"$.files[{number}]") for number, name in enumerate(_list(value, "$.files", FILES_MAX))]
    if len(set(names)) < len(names):
        raise Malformed("a file stands twice", where="$.files", next_step="Name it once.")
    return tuple(names)


def _file_name(value: Json, where: str) -> str:
    name = _text(value, where, NAME_CHARS_MAX)
    if not all(_PART.match(part) and part not in {".", ".."} for part in name.split("/")):
        raise Malformed(
            "this points outside the recipe's folder or is no plain name",
            where=where,
            next_step="Put the file beside the recipe and give its relative name.",
        )
    return name


def _matching(value: Json, where: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    found = [
        _text(item, f"{where}[{number}]", NAME_CHARS_MAX) for number, item in enumerate(_list(value, where, NEEDS_MAX))
    ]
    for number, item in enumerate(found):
        if not pattern.match(item):
            raise Malformed(
                "this is not the name of a package",
                where=f"{where}[{number}]",
                next_step="Write it like setuptools<70.",
            )
    return tuple(found)


def _commands(value: Json, where: str) -> tuple[str, ...]:
    found = enumerate(_list(value, where, COMMANDS_MAX))
    return tuple(_command(command, f"{where}[{number}]", BUILD_PLACEHOLDERS) for number, command in found)


def _command(value: Json, where: str, placeholders: frozenset[str]) -> str:
    command = _text(value, where, COMMAND_CHARS_MAX)
    unknown = [name for name in _PLACEHOLDER.findall(command) if name not in placeholders]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(placeholders))
        raise Malformed(
            f"{{{unknown[0][:40]}}} is not a placeholder here",
            where=where,
            next_step=f"Use {known}; write other braces with a space inside.",
        )
    return command


def _variables(value: Json) -> tuple[tuple[str, str], ...]:
    variables = _object(value if value is not None else {}, "$.env")
    if len(variables) > VARIABLES_MAX:
        raise Malformed(f"this has more than {VARIABLES_MAX} members", where="$.env", next_step="Set fewer.")
    for name, content in variables.items():
        where = path_to("$.env", name)
        if not _VARIABLE.match(name) or not isinstance(content, str) or "\0" in content:
            raise Malformed("this is no environment variable", where=where, next_step="Write name and text.")
        if len(content) > VALUE_CHARS_MAX:
            raise Malformed(f"this has more than {VALUE_CHARS_MAX} characters", where=where, next_step="Shorten it.")
        if _LOADER_VARIABLE.match(name):
            raise Malformed(
                "this variable would also change the programs around the target",
                where=where,
                next_step="Set it in the run command, before the program's name.",
            )
    return tuple(sorted((name, str(content)) for name, content in variables.items()))


def _oracle(value: Json) -> Oracle:
    try:
        oracle = Oracle(_text(value, "$.oracle", NAME_CHARS_MAX))
    except ValueError:
        words = ", ".join(Oracle)
        raise Malformed(f"the oracle must be one of {words}", where="$.oracle", next_step="Correct it.") from None
    return oracle


def _exits(value: Json, oracle: Oracle) -> ExitCodes | None:
    if oracle is not Oracle.EXIT:
        return None
    codes = _object(value, "$.exit")
    found = ExitCodes(_codes(codes.get("vulnerable"), "$.exit.vulnerable"), _codes(codes.get("fixed"), "$.exit.fixed"))
    if set(found.vulnerable) & set(found.fixed):
        raise Malformed(
            "an exit code cannot mean both that the flaw shows and that it does not",
            where="$.exit",
            next_step="Name it on one side.",
        )
    return found


def _codes(value: Json, where: str) -> tuple[int, ...]:
    codes = _list(value, where, EXIT_CODE_MAX + 1)
    found = [code for code in codes if isinstance(code, int) and not isinstance(code, bool)]
    if not codes or len(found) < len(codes) or not all(0 <= code <= EXIT_CODE_MAX for code in found):
        raise Malformed(
            f"these must be exit codes, from 0 to {EXIT_CODE_MAX}", where=where, next_step="Write them like [3]."
        )
    return tuple(sorted(set(found)))


def _limits(value: Json) -> RecipeLimits:
    limits = _object(value if value is not None else {}, "$.limits")
    default = RecipeLimits()
    return RecipeLimits(
        build_s=_limit(limits, "build_s", default.build_s, LIMITS_MAX.build_s),
        run_s=_limit(limits, "run_s", default.run_s, LIMITS_MAX.run_s),
        memory_mib=_limit(limits, "memory_mib", default.memory_mib, LIMITS_MAX.memory_mib),
    )


def _limit(limits: Mapping[str, Json], name: str, default: int, highest: int) -> int:
    value = limits.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= highest:
        raise Malformed(
            f"this must be a whole number from 1 to {highest}", where=f"$.limits.{name}", next_step="Correct it."
        )
    return value
