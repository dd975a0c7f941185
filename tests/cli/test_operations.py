import errno
import json
import os
import re
import resource
import signal
import socket
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.ctrl_c import CtrlC, ctrl_c_works, defaults_of
from tests.cli.running import Result, ultravox
from ultravox_async.testing import Emulator, Respond

SECRET = "s3cret-password"


@pytest.fixture
def call_id(emulator: Emulator) -> str:
    """A call that has ended, with a recording."""
    call_id = emulator.calls.create({"recordingEnabled": True})
    emulator.calls.join(call_id)
    emulator.calls.say(call_id, "MESSAGE_ROLE_AGENT", "Hello!")
    emulator.calls.end(call_id)
    emulator.calls.bill(call_id)
    return call_id


def body_of(emulator: Emulator) -> object:
    return json.loads(emulator.requests[-1].body)


def test_json_that_is_nested_too_deep_is_an_error_on_one_line(account: Mapping[str, str], emulator: Emulator) -> None:
    sent = ultravox("api", "POST", "/api/voices", "--json", "[" * 50_000, env=account)
    assert (sent.code, sent.err) == (2, "error: --json takes JSON that is not nested as deep as this\n")
    emulator.inject(Respond(200, {"Content-Type": "application/json"}, b'{"a":' * 900 + b"1" + b"}" * 900), times=1)
    received = ultravox("api", "GET", "/api/voices", env=account)
    assert (received.code, received.out) == (1, "")
    assert received.err == "error: there is JSON that is nested too deep to be read or printed\n"


def test_an_object_is_created_changed_and_deleted(account: Mapping[str, str], emulator: Emulator) -> None:
    registrations = ("sip", "registrations")
    fields = ("--username", "alice", "--proxy", "sip.example.com", "--auth-user", "a", "--password", "env:PASSWORD")
    created = ultravox(*registrations, "create", *fields, env={**account, "PASSWORD": SECRET})
    assert created.code == 0
    assert body_of(emulator) == {
        "username": "alice",
        "proxy": "sip.example.com",
        "authUser": "a",
        "password": SECRET,
    }
    assert SECRET not in created.out + created.err
    key = json.loads(created.out)["registrationId"]
    assert ultravox(*registrations, "update", key, "--auth-user", "null", env=account).code == 0
    assert body_of(emulator) == {"authUser": None}
    deleted = ultravox(*registrations, "delete", key, env=account)
    assert (deleted.code, deleted.out, deleted.err) == (0, "", "")
    again = ultravox(*registrations, "delete", key, env=account)
    assert again.code == 4
    assert again.err.startswith("error: 404 Not Found: DELETE /api/sip/registrations/")


def test_one_object_is_fetched(account: Mapping[str, str], emulator: Emulator) -> None:
    key = emulator.registration_ids[0]
    result = ultravox("sip", "registrations", "get", key, env=account)
    assert (result.code, json.loads(result.out)["registrationId"]) == (0, key)
    assert ultravox("sip", "registrations", "get", "no-such-id", env=account).code == 4


def test_what_the_package_refuses_is_a_usage_error_on_one_line(account: Mapping[str, str]) -> None:
    words = ("sip", "registrations", "create", "--username", "x" * 61, "--proxy", "p", "--password", "env:PASSWORD")
    result = ultravox(*words, env={**account, "PASSWORD": SECRET})
    assert result.code == 2
    assert result.err.startswith("error: --username: ")
    assert result.err.count("\n") == 1
    assert ultravox("sip", "registrations", "update", "an-id", env=account).code == 2


def test_what_the_api_refuses_fails(account: Mapping[str, str], emulator: Emulator) -> None:
    emulator.inject(Respond(402), times=1)
    result = ultravox("calls", "create", "--system-prompt", "x", env=account)
    assert result.code == 1
    assert result.err.startswith("error: 402 Payment Required: POST /api/calls")


def test_files_are_uploaded(account: Mapping[str, str], tmp_path: Path) -> None:
    path = tmp_path / "ann.wav"
    path.write_bytes(b"RIFF sound")
    result = ultravox("voices", "clone", str(path), "--name", "Ann from a file", env=account)
    assert json.loads(result.out)["name"] == "Ann from a file"
    missing = ultravox("voices", "clone", "/no/such/file.wav", "--name", "x", env=account)
    assert (missing.code, missing.err.count("\n")) == (1, 1)
    assert "No such file" in missing.err


def test_an_error_is_printed_with_its_notes(account: Mapping[str, str], emulator: Emulator, tmp_path: Path) -> None:
    corpus = json.loads(ultravox("corpora", "create", "--name", "c", env=account).out)["corpusId"]
    path = tmp_path / "manual.pdf"
    path.write_bytes(b"%PDF")
    emulator.inject(Respond(400), path=f"/api/corpora/{corpus}/sources", times=1)
    result = ultravox("corpora", "upload", corpus, str(path), env=account)
    assert result.code == 1
    assert "; The document " in result.err
    assert result.err.count("\n") == 1


def test_a_recording_that_cannot_be_written_is_a_usage_error(account: Mapping[str, str], call_id: str) -> None:
    result = ultravox("calls", "recording", call_id, "-o", "/nowhere/call.wav", env=account)
    assert (result.code, result.err) == (2, "error: cannot write /nowhere/call.wav: No such file or directory\n")


def test_an_error_of_the_api_is_not_one_of_the_file(account: Mapping[str, str]) -> None:
    assert ultravox("calls", "recording", "no-such-call", "-o", "/nowhere/call.wav", env=account).code == 4


def test_downloads_go_into_a_file_or_a_pipe(account: Mapping[str, str], call_id: str, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    saved = ultravox("calls", "recording", call_id, "-o", str(path), env=account)
    content = path.read_bytes()
    assert (saved.code, saved.out) == (0, "")
    assert saved.err == f"{path}: {len(content):,} bytes\n"
    assert content.startswith(b"RIFF")
    piped = ultravox("voices", "preview", "--name", "x", "--definition", '{"lmnt": {"voiceId": "lily"}}', env=account)
    assert piped.code == 0
    assert piped.out


def test_a_dash_stands_for_standard_output_also_at_a_terminal(account: Mapping[str, str], call_id: str) -> None:
    assert ultravox("calls", "recording", call_id, "-o", "-", env=account, columns=80).out.startswith("RIFF")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_of_a_download(
    account: Mapping[str, str], call_id: str, emulator: Emulator, tmp_path: Path, number: signal.Signals
) -> None:
    emulator.storage.inject(CtrlC(number), times=1)
    with defaults_of(signal.SIGTERM), ctrl_c_works():
        result = ultravox("calls", "recording", call_id, "-o", str(tmp_path / "call.wav"), env=account)
    assert (result.code, result.out, result.err) == (128 + number, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_kept_and_the_file_that_it_leads_to_is_written(
    account: Mapping[str, str], call_id: str, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "call.wav")
    assert ultravox("calls", "recording", call_id, "-o", str(tmp_path / "link"), env=account).code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "call.wav").read_bytes().startswith(b"RIFF")


def test_a_pipe_gets_a_download_as_it_arrives(account: Mapping[str, str], call_id: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as others:
        content = others.submit((tmp_path / "pipe").read_bytes)
        result = ultravox("calls", "recording", call_id, "-o", str(tmp_path / "pipe"), env=account)
        assert (result.code, result.err) == (0, "")
        assert content.result().startswith(b"RIFF")
    assert (tmp_path / "pipe").is_fifo()


def test_what_is_neither_a_file_nor_can_be_opened_is_a_usage_error(
    account: Mapping[str, str], call_id: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        result = ultravox("calls", "recording", call_id, "-o", path, env=account)
    assert (result.code, result.err) == (2, f"error: cannot write {path}: No such device or address\n")


def test_a_download_is_not_shown_on_a_terminal(account: Mapping[str, str], call_id: str, emulator: Emulator) -> None:
    before = len(emulator.requests)
    result = ultravox("calls", "recording", call_id, env=account, columns=80)
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: this is not for a terminal: use -o FILE, or a pipe\n"
    assert len(emulator.requests) == before


def test_what_people_write_by_hand_is_there_too(account: Mapping[str, str], call_id: str) -> None:
    assert [one["text"] for one in json.loads(ultravox("calls", "transcript", call_id, env=account).out)] == ["Hello!"]
    waited = ultravox("calls", "wait", call_id, "--until", "billed", "--timeout", "5", env=account)
    assert json.loads(waited.out)["callId"] == call_id
    assert ultravox("calls", "delete-when-billed", call_id, env=account).code == 0
    late = ultravox("calls", "wait", call_id, "--until", "joined", "--timeout", "0.1", env=account)
    assert late.code == 4


def test_waiting_that_ends_without_success_fails(account: Mapping[str, str], emulator: Emulator) -> None:
    (key, *_) = emulator.registration_ids
    emulator.inject(Respond(503), path=f"/api/sip/registrations/{key}", times=None)
    result = ultravox("sip", "registrations", "wait", key, "--timeout", "0.05s", "--interval", "0.01", env=account)
    emulator.clear_faults()
    assert result.code == 1
    assert "to be accepted" in result.err


@pytest.mark.parametrize("ids", ["argument", "stdin"])
def test_changes_are_lines_of_json_in_a_pipe(account: Mapping[str, str], emulator: Emulator, ids: str) -> None:
    key = emulator.registration_ids[0]
    words = [key] if ids == "argument" else ["-"]
    result = ultravox("sip", "registrations", "watch", *words, "--limit", "1", stdin=f"{key}\n", env=account)
    found = json.loads(result.out)
    assert (found["event"], found["key"]) == ("added", key)


def test_a_person_reads_who_has_changed(account: Mapping[str, str], emulator: Emulator) -> None:
    key = emulator.registration_ids[0]
    result = ultravox("sip", "registrations", "watch", key, "--limit", "1", env=account, columns=80)
    assert printed_without_colours(result.out) == f"+ added  user-000000 at sip-0.example.com  ({key})\n"


def printed_without_colours(text: str) -> str:
    return re.sub(r"\x1b\[\d*m", "", text)


def test_the_ids_of_a_watch_are_optional() -> None:
    usage = ultravox("sip", "registrations", "watch", "--help").out.splitlines()[0]
    assert usage == "usage: ultravox sip registrations watch [options] [ID...]"


def test_all_registrations_are_watched_without_ids(account: Mapping[str, str], emulator: Emulator) -> None:
    count = len(emulator.registration_ids)
    result = ultravox("sip", "registrations", "watch", "--limit", str(count), env=account)
    assert len(result.out.splitlines()) == count


def test_deprecated_operations_work(account: Mapping[str, str]) -> None:
    result = ultravox("accounts", "telephony-config", "get", env=account)
    assert (result.code, result.err) == (0, "")


def test_a_text_is_printed_as_it_is(account: Mapping[str, str]) -> None:
    agent = json.loads(ultravox("agents", "create", "--name", "xml", env=account).out)["agentId"]
    result = ultravox("agents", "telephony-xml", agent, "--parameters", "CallSid=CA1", env=account)
    assert result.out.startswith("<?xml")


def test_what_a_tool_returns_is_printed(account: Mapping[str, str]) -> None:
    definition = '{"http": {"baseUrlPattern": "https://example.com/tables", "httpMethod": "POST"}}'
    tool = json.loads(ultravox("tools", "create", "--name", "echo", "--definition", definition, env=account).out)
    result = ultravox("tools", "test", tool["toolId"], "--parameters", "size=2", env=account)
    assert result.code == 0
    assert result.out


class TestApiKeys:
    def create(self, account: Mapping[str, str], *words: str) -> Result:
        return ultravox("api-keys", "create", "--name", "deployment", *words, env=account)

    def test_a_key_that_would_be_lost_is_not_created(self, account: Mapping[str, str], emulator: Emulator) -> None:
        before = len(emulator.requests)
        result = self.create(account)
        assert (result.code, result.out) == (2, "")
        assert "use --secret-file FILE or --show-secrets" in result.err
        assert len(emulator.requests) == before

    def test_a_key_goes_into_a_new_file_of_its_owner(self, account: Mapping[str, str], tmp_path: Path) -> None:
        path = tmp_path / "deployment.key"
        result = self.create(account, "--secret-file", str(path))
        secret = path.read_text("utf-8").strip()
        assert result.code == 0
        assert secret
        assert json.loads(result.out)["secret"] == "[hidden]"
        assert secret not in result.out + result.err
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_file_that_is_there_is_not_touched(
        self, account: Mapping[str, str], emulator: Emulator, tmp_path: Path
    ) -> None:
        path = tmp_path / "deployment.key"
        path.write_text("another key", "utf-8")
        before = len(emulator.requests)
        result = self.create(account, "--secret-file", str(path))
        assert (result.code, result.err) == (2, f"error: cannot create {path}: File exists\n")
        assert path.read_text("utf-8") == "another key"
        assert len(emulator.requests) == before

    def test_no_file_is_left_behind_by_a_failure(
        self, account: Mapping[str, str], emulator: Emulator, tmp_path: Path
    ) -> None:
        emulator.inject(Respond(403), times=1)
        assert self.create(account, "--secret-file", str(tmp_path / "key")).code == 3
        assert [*tmp_path.iterdir()] == []

    def test_a_key_for_which_the_disk_has_no_space_is_not_created(
        self, account: Mapping[str, str], emulator: Emulator, tmp_path: Path
    ) -> None:
        before = len(emulator.requests)
        path = tmp_path / "key"
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))  # as on a disk that gets full
        try:
            result = self.create(account, "--secret-file", str(path))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert (result.code, result.err) == (2, f"error: cannot write {path}: File too large\n")
        assert not path.exists()
        assert len(emulator.requests) == before

    def test_a_key_that_cannot_be_stored_is_named(
        self, account: Mapping[str, str], emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = len(emulator.requests)
        path = tmp_path / "key"
        fsync = os.fsync

        def fail_once_it_is_created(descriptor: int) -> None:
            if len(emulator.requests) > before:
                raise OSError(errno.EIO, "Input/output error")
            fsync(descriptor)

        monkeypatch.setattr("os.fsync", fail_once_it_is_created)
        result = self.create(account, "--secret-file", str(path))
        keys = json.loads(ultravox("api-keys", "list", "--output", "json", env=account).out)
        named = [key["prefix"] for key in keys if f"the key {key['prefix']} has been created" in result.err]
        assert (result.code, len(named)) == (1, 1)
        assert f"could not be stored in {path} (Input/output error): ultravox api-keys delete {named[0]}" in result.err

    def test_a_key_is_shown_to_who_asks_for_it(self, account: Mapping[str, str]) -> None:
        secret = json.loads(self.create(account, "--show-secrets").out)["secret"]
        assert secret not in {None, "[hidden]"}


class TestApi:
    def test_any_request_can_be_sent(self, account: Mapping[str, str], emulator: Emulator) -> None:
        words = (
            "api",
            "GET",
            "/api/voices",
            "--query",
            "pageSize=1",
            "--query",
            "provider=lmnt",
            "--query",
            "provider=google",
        )
        result = ultravox(*words, "--fields", "results", env=account)
        assert [*json.loads(result.out)] == ["results"]
        assert [*emulator.requests[-1].query.items()] == [
            ("pageSize", "1"),
            ("provider", "lmnt"),
            ("provider", "google"),
        ]
        ultravox("api", "patch", "/api/sip", "--json", '{"allowAllAgents": true}', env=account)
        assert body_of(emulator) == {"allowAllAgents": True}

    def test_its_body_can_be_a_file(self, account: Mapping[str, str], emulator: Emulator, tmp_path: Path) -> None:
        path = tmp_path / "body.json"
        path.write_text(json.dumps({"name": "hook", "apiToken": SECRET}), "utf-8")
        emulator.inject(Respond(200), times=1)
        result = ultravox("api", "POST", "/api/anything", "--json", f"@{path}", env=account)
        assert result.code == 0
        assert body_of(emulator) == {"name": "hook", "apiToken": SECRET}

    def test_responses_that_are_no_json_are_texts(self, account: Mapping[str, str], emulator: Emulator) -> None:
        emulator.inject(Respond(200, body=b"plain"), times=1)
        assert ultravox("api", "GET", "/api/anything", env=account).out == "plain\n"
        emulator.inject(Respond(204), times=1)
        assert ultravox("api", "GET", "/api/anything", env=account).out == ""

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [("application/json", f'"password": "{SECRET}"'), ("", f'\ufeff {{"password": "{SECRET}"')],
    )
    def test_json_that_cannot_be_read_is_printed_with_show_secrets_only(
        self, account: Mapping[str, str], emulator: Emulator, content_type: str, body: str
    ) -> None:
        emulator.inject(Respond(200, {"Content-Type": content_type}, body.encode()), times=2)
        hidden = ultravox("api", "GET", "/api/anything", env=account)
        assert (hidden.code, hidden.out) == (1, "")
        assert f"({len(body.encode())} bytes, {content_type or 'no type'}); --show-secrets prints it" in hidden.err
        assert SECRET not in hidden.err
        assert SECRET in ultravox("api", "GET", "/api/anything", "--show-secrets", env=account).out

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (["--query", "x"], "error: --query takes NAME=VALUE\n"),
            (["--json", "{"], "--json takes JSON or @FILE"),
            (["--json", f'{{"password": "{SECRET}"}}'], "--json contains a secret, which is not taken from"),
            (["--json", f'[{{"secrets": ["{SECRET}"]}}]'], "--json contains a secret, which is not taken from"),
            (["--json", '{"token": 12345}'], "--json contains a secret, which is not taken from"),
            (["--json", "NaN"], "--json takes JSON or @FILE (NaN is not JSON)"),
            (["--query", f"api_key={SECRET}"], "the query contains a secret, which is not taken from"),
        ],
    )
    def test_what_cannot_be_sent_is_a_usage_error(
        self, account: Mapping[str, str], emulator: Emulator, words: list[str], problem: str
    ) -> None:
        before = len(emulator.requests)
        result = ultravox("api", "POST", "/api/anything", *words, env=account)
        assert result.code == 2
        assert problem in result.err
        assert SECRET not in result.err
        assert len(emulator.requests) == before

    def test_a_path_with_a_secret_in_its_query_is_not_sent(
        self, account: Mapping[str, str], emulator: Emulator
    ) -> None:
        before = len(emulator.requests)
        result = ultravox("api", "GET", f"/api/anything?token={SECRET}", env=account)
        assert (result.code, len(emulator.requests)) == (2, before)
        assert "the query contains a secret" in result.err
        assert SECRET not in result.err
