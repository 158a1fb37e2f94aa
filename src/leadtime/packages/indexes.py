"""Which package indexes this machine is configured with: pip's own settings and npm's own, read without running pip.

No address stands in this code: pip's default comes from the installed pip, npm's from the installed npm or, where
there is none, from the library that knows purls.
"""

from __future__ import annotations

import configparser
import importlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from packageurl.contrib.purl2url import get_download_url

from leadtime.foundation.errors import Unavailable
from leadtime.packages import limits

SYSTEM = Path("/etc")
"""Where the system's own configuration files lie."""
PIP_MODULE = "pip._internal.models.index"
"""The one place that says which index a pip without settings uses."""
_NPM_VARIABLES = ("npm_config_registry", "NPM_CONFIG_REGISTRY")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Indexes:
    """Where releases come from: PyPI-like simple indexes in order, and npm registries by scope.

    ``npm`` is empty where nothing configures one and no npm is installed; ``npm_scopes`` holds ``("@scope", address)``.
    """

    pypi: tuple[str, ...]
    npm: str
    npm_scopes: tuple[tuple[str, str], ...] = ()

    def npm_for(self, scope: str | None) -> str:
        """Return the registry for a scope (with its ``@``); raises `Unavailable` where none is configured."""
        address = dict(self.npm_scopes).get(scope or "", self.npm)
        if not address:
            raise Unavailable(
                "no npm registry is configured",
                where="npm",
                next_step="Set NPM_CONFIG_REGISTRY to your registry's address, or install npm.",
            )
        return address


def read_indexes(environment: Mapping[str, str]) -> Indexes:
    """Return the indexes that pip's and npm's settings name, as those tools would read them.

    For pip: ``PIP_INDEX_URL`` and ``PIP_EXTRA_INDEX_URL``, then the configuration files, then pip's default.
    For npm: ``npm_config_registry``, the user's and the global npmrc, what an installed npm says, then npm's default.
    Local ``file:`` indexes and find-links are left out: a release is identified by what a network index promises.
    """
    settings = _pip_settings(environment)
    listed = [settings.get("index-url") or _pip_default(), *settings.get("extra-index-url", "").split()]
    pypi = tuple(dict.fromkeys(each.rstrip("/") for each in listed if each.startswith(("http://", "https://"))))
    npm_settings = _npm_settings(environment)
    registry = next((environment[name] for name in _NPM_VARIABLES if environment.get(name)), "")
    registry = registry or npm_settings.get("registry", "") or _ask_npm(environment) or _npm_default()
    scopes = tuple(
        (key.removesuffix(":registry"), value.rstrip("/"))
        for key, value in sorted(npm_settings.items())
        if key.startswith("@") and key.endswith(":registry")
    )
    return Indexes(pypi, registry.rstrip("/"), scopes)


def pip_certificate(environment: Mapping[str, str]) -> str | None:
    """Return the certificate bundle that pip is told to trust, or None."""
    return _pip_settings(environment).get("cert") or None


def _pip_default() -> str:
    """Return the index that the installed pip would use by itself; empty where no pip is installed."""
    try:
        models = importlib.import_module(PIP_MODULE)
        return str(models.PyPI.simple_url)
    except (ImportError, AttributeError):
        return ""


def _npm_default() -> str:
    """Return the registry in which the purl specification looks for npm packages; empty if the library has none."""
    address = urlsplit(get_download_url("pkg:npm/npm@1.0.0") or "")  # type: ignore[no-untyped-call]  # library without types
    return f"https://{address.netloc}" if address.netloc else ""


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or "/nonexistent")


def _pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Merge pip's files (later ones win) and its variables, which win over all (pip user guide, Configuration)."""
    settings: dict[str, str] = {}
    for path in _pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(_bounded_text(path))
        except configparser.Error:
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for name in ("index-url", "extra-index-url", "cert"):
        value = environment.get("PIP_" + name.replace("-", "_").upper())
        if value:
            settings[name] = value
    return settings


def _pip_files(environment: Mapping[str, str]) -> list[Path]:
    configured = environment.get("PIP_CONFIG_FILE", "")
    if configured == "/dev/null":
        return []
    home = _home(environment)
    shared = environment.get("XDG_CONFIG_DIRS") or str(SYSTEM / "xdg")
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path(each) / "pip/pip.conf" for each in shared.split(":") if each] + [SYSTEM / "pip.conf"]
    files += [home / ".pip/pip.conf", user / "pip/pip.conf"]
    if environment.get("VIRTUAL_ENV"):
        files.append(Path(environment["VIRTUAL_ENV"]) / "pip.conf")
    return [*files, Path(configured)] if configured else files


def _npm_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Merge npm's ini files; the user's wins over the global one (npm config, Files)."""
    settings: dict[str, str] = {}
    prefix = environment.get("PREFIX") or "/usr"
    user = environment.get("npm_config_userconfig") or environment.get("NPM_CONFIG_USERCONFIG")
    globals_ = environment.get("npm_config_globalconfig") or environment.get("NPM_CONFIG_GLOBALCONFIG")
    places = [SYSTEM / "npmrc", Path(globals_ or f"{prefix}/etc/npmrc"), Path(user or _home(environment) / ".npmrc")]
    for path in places:
        for line in _bounded_text(path).splitlines():
            key, equals, value = line.partition("=")
            if equals and not key.lstrip().startswith((";", "#")):
                settings[key.strip()] = _VARIABLE.sub(
                    lambda found: environment.get(found.group(1), ""), value.strip().strip("\"'")
                )
    return settings


def _ask_npm(environment: Mapping[str, str]) -> str:
    """Let an installed npm say which registry it would use; empty where there is none or it does not answer."""
    npm = shutil.which("npm", path=environment.get("PATH"))
    if npm is None:
        return ""
    try:
        answer = subprocess.run(
            [npm, "config", "get", "registry"],
            capture_output=True,
            check=True,
            cwd="/",
            env=dict(environment),
            timeout=limits.NPM_QUESTION_SECONDS_MAX,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    address = answer.stdout.decode(errors="replace").strip()
    return address if address.startswith(("http://", "https://")) else ""


def _bounded_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(limits.CONFIGURATION_BYTES_MAX).decode(errors="replace")
    except OSError:
        return ""
