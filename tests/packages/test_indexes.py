from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.foundation.errors import Unavailable
from leadtime.packages import indexes, limits
from leadtime.packages.indexes import pip_certificate, read_indexes

PIP, NPM = "https://pip.example/simple", "https://npm.example"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A home without settings, no npm on the path, and pip's files in the system's folders left out."""
    monkeypatch.setattr(indexes, "SYSTEM", tmp_path / "system")
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "bin"), "NPM_CONFIG_REGISTRY": NPM}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestPip:
    def test_a_variable_wins_over_the_files(self, environment: dict[str, str], tmp_path: Path) -> None:
        write(tmp_path / "home/.config/pip/pip.conf", "[global]\nindex-url = https://file.example/simple\n")
        environment["PIP_INDEX_URL"] = PIP + "/"

        assert read_indexes(environment).pypi == (PIP,)

    @pytest.mark.parametrize(
        "path",
        [
            "system/xdg/pip/pip.conf",
            "system/pip.conf",
            "home/.pip/pip.conf",
            "home/.config/pip/pip.conf",
            "elsewhere/pip/pip.conf",
            "venv/pip.conf",
            "named.conf",
        ],
    )
    def test_each_of_pips_files_is_read(self, environment: dict[str, str], tmp_path: Path, path: str) -> None:
        write(tmp_path / path, f"[global]\nindex_url = {PIP}\n")
        if path.startswith("elsewhere"):
            environment["XDG_CONFIG_HOME"] = str(tmp_path / "elsewhere")
        if path.startswith("venv"):
            environment["VIRTUAL_ENV"] = str(tmp_path / "venv")
        if path.startswith("named"):
            environment["PIP_CONFIG_FILE"] = str(tmp_path / "named.conf")

        assert read_indexes(environment).pypi == (PIP,)

    def test_later_files_and_the_install_section_win(self, environment: dict[str, str], tmp_path: Path) -> None:
        write(tmp_path / "system/pip.conf", "[global]\nindex-url = https://system.example\ncert = /system.pem\n")
        user = tmp_path / "home/.config/pip/pip.conf"
        write(user, f"[install]\nindex-url = {PIP}\n[global]\nindex-url = https://user.example\n")

        assert read_indexes(environment).pypi == (PIP,)
        assert pip_certificate(environment) == "/system.pem"
        assert pip_certificate({**environment, "PIP_CERT": "/mine.pem"}) == "/mine.pem"

    def test_no_file_is_read_where_the_environment_says_so(self, environment: dict[str, str], tmp_path: Path) -> None:
        write(tmp_path / "home/.pip/pip.conf", "[global]\ncert = /mine.pem\n")

        assert pip_certificate(environment) == "/mine.pem"
        assert pip_certificate({**environment, "PIP_CONFIG_FILE": "/dev/null"}) is None

    def test_extra_indexes_come_after_in_their_order_and_once(self, environment: dict[str, str]) -> None:
        environment["PIP_INDEX_URL"] = PIP
        environment["PIP_EXTRA_INDEX_URL"] = f"https://b.example/\n  http://a.example {PIP}/ file:///opt/simple"

        assert read_indexes(environment).pypi == (PIP, "https://b.example", "http://a.example")

    def test_nothing_configured_means_what_the_installed_pip_would_use(self, environment: dict[str, str]) -> None:
        (only,) = read_indexes(environment).pypi

        assert only.startswith("https://")
        assert only.endswith("/simple")

    def test_without_any_pip_there_is_no_default(
        self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(indexes, "PIP_MODULE", "no_such_module")

        assert read_indexes(environment).pypi == ()

    @pytest.mark.parametrize("text", ["no section\n", "[global\n", "\x00\xff", "[global]\n[global]\n"])
    def test_a_broken_file_is_passed_over(self, environment: dict[str, str], tmp_path: Path, text: str) -> None:
        write(tmp_path / "system/pip.conf", text)
        write(tmp_path / "home/.pip/pip.conf", f"[global]\nindex-url = {PIP}\n")

        assert read_indexes(environment).pypi == (PIP,)


class TestNpm:
    @pytest.mark.parametrize("name", ["npm_config_registry", "NPM_CONFIG_REGISTRY"])
    def test_a_variable_wins_over_the_files(self, environment: dict[str, str], tmp_path: Path, name: str) -> None:
        del environment["NPM_CONFIG_REGISTRY"]
        write(tmp_path / "home/.npmrc", "registry=https://file.example\n")
        environment[name] = NPM + "/"

        assert read_indexes(environment).npm == NPM

    def test_the_users_file_wins_over_the_global_one(self, environment: dict[str, str], tmp_path: Path) -> None:
        del environment["NPM_CONFIG_REGISTRY"]
        environment["PREFIX"] = str(tmp_path / "prefix")
        write(tmp_path / "system/npmrc", "registry=https://system.example/\n")
        assert read_indexes(environment).npm == "https://system.example"
        write(tmp_path / "prefix/etc/npmrc", "registry=https://prefix.example/\n")
        assert read_indexes(environment).npm == "https://prefix.example"
        write(tmp_path / "home/.npmrc", f'; registry=no\n# registry=no\n registry = "{NPM}/"\nfund=false\nbare\n')
        assert read_indexes(environment).npm == NPM

    @pytest.mark.parametrize("name", ["npm_config_userconfig", "NPM_CONFIG_GLOBALCONFIG"])
    def test_the_files_may_lie_elsewhere(self, environment: dict[str, str], tmp_path: Path, name: str) -> None:
        del environment["NPM_CONFIG_REGISTRY"]
        environment[name] = str(write(tmp_path / "named", f"registry={NPM}\n"))

        assert read_indexes(environment).npm == NPM

    def test_a_scope_may_have_a_registry_of_its_own(self, environment: dict[str, str], tmp_path: Path) -> None:
        write(tmp_path / "home/.npmrc", "@mine:registry=https://${HOST}.example/\n@mine:other=x\n")
        environment["HOST"] = "scoped"
        found = read_indexes(environment)

        assert found.npm_scopes == (("@mine", "https://scoped.example"),)
        assert found.npm_for("@mine") == "https://scoped.example"
        assert found.npm_for("@other") == found.npm_for(None) == NPM

    def test_an_installed_npm_is_asked_last(self, environment: dict[str, str], tmp_path: Path) -> None:
        del environment["NPM_CONFIG_REGISTRY"]
        npm = write(tmp_path / "bin/npm", f'#!/bin/sh\n[ "$*" = "config get registry" ] && echo {NPM}/\n')
        npm.chmod(0o755)

        assert read_indexes(environment).npm == NPM

    @pytest.mark.parametrize("script", ["exit 1", "echo undefined", "echo ftp://x", "true"])
    def test_an_npm_that_does_not_know_leaves_the_default(
        self, environment: dict[str, str], tmp_path: Path, script: str
    ) -> None:
        del environment["NPM_CONFIG_REGISTRY"]
        default = read_indexes(environment).npm
        write(tmp_path / "bin/npm", f"#!/bin/sh\n{script}\n").chmod(0o755)

        assert read_indexes(environment).npm == default
        assert default.startswith("https://")

    def test_no_registry_at_all_is_said_when_it_is_needed(
        self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del environment["NPM_CONFIG_REGISTRY"]
        monkeypatch.setattr(indexes, "get_download_url", lambda _: None)

        with pytest.raises(Unavailable) as caught:
            read_indexes(environment).npm_for(None)
        assert caught.value.what == "no npm registry is configured"


def test_files_are_read_within_bounds(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONFIGURATION_BYTES_MAX", 20)
    write(tmp_path / "home/.npmrc", "@a:registry=http://a\n@b:registry=http://b\n")

    assert read_indexes(environment).npm_scopes == (("@a", "http://a"),)
