import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.running import Result, ultravox
from ultravox_async.testing import Emulator
from ultravox_async_cli.settings import credentials

KEY = "a-key-that-is-never-shown"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ultravox" / "config.toml"
    path.parent.mkdir()
    return path


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, "latin-1")
    path.chmod(mode)


def config(path: Path, profile: str = "work", **env: str) -> Result:
    result = ultravox("sip", "config", "--profile", profile, env={"XDG_CONFIG_HOME": str(path.parents[1]), **env})
    assert KEY not in result.out + result.err
    return result


def test_a_profile_has_a_key_and_an_address(file: Path, emulator: Emulator) -> None:
    write(file, f'[profiles.work]\napi_key = "{emulator.api_key}"\nbase_url = "{emulator.base_url}"\n')
    assert config(file, ULTRAVOX_API_KEY="another", ULTRAVOX_BASE_URL="http://127.0.0.1:1").code == 0


@pytest.mark.parametrize("base_url", ["", 'base_url = ""'])
def test_the_key_of_a_profile_goes_to_no_address_of_the_environment(file: Path, base_url: str) -> None:
    write(file, f'[profiles.work]\napi_key = "{KEY}"\n{base_url}\n')
    environ = {"XDG_CONFIG_HOME": str(file.parents[1]), "ULTRAVOX_BASE_URL": "http://127.0.0.1:1"}
    assert credentials(argparse.Namespace(profile="work"), environ).base_url == "https://api.ultravox.ai"


def test_a_setting_that_is_mistyped_is_refused_and_not_ignored(file: Path) -> None:
    write(file, f'[profiles.work]\napi_key = "{KEY}"\nbase-url = "http://127.0.0.1:1"\n')
    result = config(file)
    assert result.code == 2
    assert result.err == (
        f"error: the profile work in {file} has base-url, which is no setting; there are api_key and base_url\n"
    )


def test_an_address_that_is_not_secure_is_refused_without_the_words_of_a_program() -> None:
    env = {"ULTRAVOX_API_KEY": KEY, "ULTRAVOX_BASE_URL": "http://ultravox.example"}
    result = ultravox("sip", "config", env=env)
    assert result.code == 2
    assert result.err.endswith(" would send the API key unencrypted; use https\n")


def test_the_file_is_below_the_home_without_xdg(file: Path, emulator: Emulator, tmp_path: Path) -> None:
    write(file, f'[profiles.work]\napi_key = "{emulator.api_key}"\nbase_url = "{emulator.base_url}"\n')
    (tmp_path / ".config").symlink_to(tmp_path)
    assert ultravox("sip", "config", "--profile", "work", env={"HOME": str(tmp_path)}).code == 0


def test_a_byte_order_mark_is_ignored(file: Path, emulator: Emulator) -> None:
    write(file, f'\xef\xbb\xbf[profiles.work]\napi_key = "{emulator.api_key}"\nbase_url = "{emulator.base_url}"\n')
    assert config(file).code == 0


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    result = ultravox("sip", "config", "--profile", "work", env={"HOME": ""})
    assert (result.code, result.err) == (
        2,
        "error: there is no home directory, and so no configuration file: set XDG_CONFIG_HOME\n",
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    write(file, f'[profiles.work]\napi_key = "{KEY}"\n', mode)
    result = config(file)
    assert result.code == 2
    assert result.err == f"error: {file} contains keys, and has to belong to you alone: chmod 600 {file}\n"


def test_a_file_of_somebody_else_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, f'[profiles.work]\napi_key = "{KEY}"\n')
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    assert "has to belong to you alone" in config(file).err


def test_doctor_says_what_to_do_about_such_a_file(file: Path) -> None:
    write(file, f'[profiles.work]\napi_key = "{KEY}"\nbase_url = "http://127.0.0.1:1"\n', 0o644)
    variables = {"XDG_CONFIG_HOME": str(file.parents[1]), "ULTRAVOX_BASE_URL": "http://127.0.0.1:1"}
    result = ultravox("doctor", "--profile", "work", "--output", "jsonl", env=variables)
    key = next(check for line in result.out.splitlines() if (check := json.loads(line))["check"] == "key")
    assert key["remedy"] == f"chmod 600 {file}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'[profiles.home]\napi_key = "{KEY}"', "there is no profile work in PATH; there are home"),
        ("profiles = 3", "there is no profile work in PATH"),
        (
            "[profiles]\nwork = 3",
            "the profile work in PATH needs an api_key, and may have a base_url; both are strings",
        ),
        ('[profiles.work]\napi_key = ""', "the profile work in PATH needs an api_key"),
        (f'[profiles.work]\napi_key = "{KEY}"\nbase_url = 3', "the profile work in PATH needs an api_key"),
        (f'[profiles.work]\napi_key = "{KEY}\n', "PATH is not valid TOML, line 2, column "),
        (f'[profiles.work]\napi_key = "{KEY}', "PATH is not valid TOML, end of document"),
        (f'[profiles.work]\napi_key = "\xff{KEY}"', "PATH is not valid TOML\n"),
        ("a = " + "[" * 5_000, "PATH is not valid TOML\n"),
    ],
)
def test_a_file_that_does_not_say_it_is_a_usage_error(file: Path, text: str, problem: str) -> None:
    write(file, text)
    result = config(file)
    assert result.code == 2
    assert result.err.startswith(f"error: {problem.replace('PATH', str(file))}")
    assert result.err.count("\n") == 1


def test_a_file_that_is_not_there_is_a_usage_error(file: Path) -> None:
    assert config(file).err == f"error: cannot read {file}: No such file or directory\n"


def test_without_a_key_nothing_is_sent() -> None:
    result = ultravox("sip", "config")
    assert (result.code, result.out) == (3, "")
    assert result.err == "error: there is no API key: set ULTRAVOX_API_KEY, or choose a --profile\n"


def test_a_key_that_is_not_accepted_is_not_shown(account: Mapping[str, str]) -> None:
    result = ultravox("sip", "config", env={**account, "ULTRAVOX_API_KEY": KEY})
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith("error: 401 Unauthorized: GET /api/sip")
    assert KEY not in result.err


def test_a_key_that_cannot_be_one_is_a_usage_error(account: Mapping[str, str]) -> None:
    result = ultravox("sip", "config", env={**account, "ULTRAVOX_API_KEY": f"{KEY} x"})
    assert result.code == 2
    assert KEY not in result.err
