import argparse
import contextlib
import csv
import io
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import get_args, get_type_hints

import attrs
import pytest
import yaml

from tests.cli.running import Result, ultravox
from ultravox_async import (
    Added,
    AsyncUltravox,
    Changed,
    Interrupted,
    NotFoundError,
    Removed,
    Resumed,
    SipRegistration,
    types,
)
from ultravox_async._wire.names import wire_name
from ultravox_async.annotations import Sensitive
from ultravox_async.testing import Emulator, Respond
from ultravox_async.types import Call, SecurityRequirement, SecurityRequirements
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.operations.parameters import result_of
from ultravox_async_cli.output.changes import Changes
from ultravox_async_cli.output.columns import cell, details, listing
from ultravox_async_cli.output.fields import fields_of
from ultravox_async_cli.output.layouts import FORMATS
from ultravox_async_cli.output.masking import MASK, plain
from ultravox_async_cli.output.printing import Rows, show
from ultravox_async_cli.terminal import Terminal, printable

CREATED = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
ALICE = SipRegistration("r1", CREATED, "alice", "sip.example.com", successful=True)
BOB = SipRegistration("r2", CREATED, "bob", "sip.example.com", "proxy.example.com", successful=False)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC-5:30")  # five and a half hours east of Greenwich
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def options(**chosen: object) -> argparse.Namespace:
    return argparse.Namespace(**{"output": None, "fields": None, "show_secrets": False, **chosen})


def shown(
    result: object, *, is_terminal: bool = False, environ: Mapping[str, str] | None = None, **chosen: object
) -> str:
    stream = Screen() if is_terminal else io.StringIO()
    show(Terminal(io.StringIO(), stream, io.StringIO(), environ or {}), options(**chosen), result)
    return stream.getvalue()


def test_one_result_is_an_object_and_several_are_an_array() -> None:
    assert json.loads(shown(ALICE)) == ALICE.to_dict()
    assert json.loads(shown([ALICE, BOB])) == [ALICE.to_dict(), BOB.to_dict()]
    assert shown([]) == "[]\n"


def test_json_lines_are_lines() -> None:
    assert [json.loads(line) for line in shown([ALICE, BOB], output="jsonl").splitlines()] == [
        ALICE.to_dict(),
        BOB.to_dict(),
    ]
    assert json.loads(shown(ALICE, output="jsonl")) == ALICE.to_dict()


def test_csv_has_names_once_and_json_in_cells_that_are_no_text() -> None:
    first, second = csv.DictReader(io.StringIO(shown([ALICE, BOB], output="csv")))
    assert (first["registrationId"], first["successful"], first["outboundProxy"]) == ("r1", "true", "")
    assert (second["successful"], second["outboundProxy"]) == ("false", "proxy.example.com")
    assert shown({"a": [1, "x"], "b": 'say "no"'}, output="csv") == 'a,b\n"[1, ""x""]","say ""no"""\n'


def test_csv_of_nothing_has_the_names_that_were_chosen() -> None:
    assert shown([], output="csv", fields=["registrationId", "username"]) == "registrationId,username\n"
    assert shown([], output="csv") == ""


@pytest.mark.parametrize(
    ("words", "names"),
    [(("call-throttles", "list"), "throttleId,created,name,rules\n"), (("agents", "usage"), "agent,usage\n")],
)
def test_csv_of_nothing_has_the_names_that_its_results_would_have(
    account: Mapping[str, str], words: tuple[str, ...], names: str
) -> None:
    assert ultravox(*words, "--output", "csv", env=account).out.startswith(names)


def test_rows_that_differ_have_a_column_for_each_field_of_any_of_them() -> None:
    rows = [{"a": 1}, {"b": 2, "a": 3}, {"c": 4}]
    assert shown(rows, output="csv") == "a,b,c\n1,,\n3,2,\n,,4\n"
    assert [line.rstrip() for line in shown(rows, output="table").splitlines()] == ["a  b  c", "1", "3  2", "      4"]


def test_csv_of_a_watch_has_a_column_for_each_field_of_any_event() -> None:
    stream = io.StringIO()
    fields = fields_of(result_of(AsyncUltravox("key").sip.registrations.watch))
    with Rows(Terminal(io.StringIO(), stream, io.StringIO(), {}), options(output="csv"), fields) as rows:
        for event in (Added("r1", ALICE), Removed("r2", BOB), Interrupted(NotFoundError(404, "GET", "/x")), Resumed(2)):
            rows.write(event)
    first, second, third, fourth = csv.DictReader(io.StringIO(stream.getvalue()))
    assert [*first] == ["event", "key", "value", "old", "error", "failed_rounds"]
    assert (first["event"], json.loads(first["value"]), first["error"]) == ("added", ALICE.to_dict(), "")
    assert (second["key"], json.loads(second["old"])) == ("r2", BOB.to_dict())
    assert third["error"] == "404 Not Found: GET /x"
    assert fourth["failed_rounds"] == "2"


def test_a_field_that_comes_after_the_names_of_csv_were_printed_is_not_lost_in_silence() -> None:
    stream = io.StringIO()
    with Rows(Terminal(io.StringIO(), stream, io.StringIO(), {}), options(output="csv"), ["a", "b"]) as rows:
        rows.write({"b": 1})
        with pytest.raises(CommandError, match="CSV has no column for c: use --output jsonl"):
            rows.write({"a": 1, "c": 2})
    assert stream.getvalue() == "a,b\n,1\n"


def test_csv_has_texts_as_they_are_because_other_programs_read_them() -> None:
    assert shown([{"number": "+4930123"}, {"number": "=1+1"}], output="csv") == "number\n+4930123\n=1+1\n"


@pytest.mark.parametrize("layout", FORMATS)
def test_a_person_is_told_that_there_is_nothing(layout: str) -> None:
    note = io.StringIO()
    show(Terminal(io.StringIO(), Screen(), note, {}), options(output=layout), [])
    assert note.getvalue() == "no results\n"


def test_a_person_is_told_that_a_listing_is_empty(account: Mapping[str, str]) -> None:
    result = ultravox("webhooks", "list", env=account, columns=80)
    assert (result.code, result.out, result.err) == (0, "", "no results\n")


def test_yaml_keeps_the_order_of_fields() -> None:
    assert yaml.safe_load(shown(ALICE, output="yaml")) == ALICE.to_dict()
    assert shown(ALICE, output="yaml").startswith("registrationId: r1\ncreated: ")
    assert yaml.safe_load(shown([ALICE, BOB], output="yaml")) == [ALICE.to_dict(), BOB.to_dict()]


@pytest.mark.parametrize("layout", FORMATS)
def test_results_that_are_texts_or_nothing_have_no_layout(layout: str) -> None:
    assert shown("<Response/>", output=layout) == "<Response/>\n"
    assert shown(None, output=layout) == ""


@pytest.mark.usefixtures("zone")
def test_a_terminal_gets_a_table_with_times_of_its_zone() -> None:
    lines = shown([ALICE, BOB], is_terminal=True, environ={"NO_COLOR": "1"}).splitlines()
    assert lines == [
        "registrationId  created              username  proxy            successful",
        "r1              2026-07-01 17:30:00  alice     sip.example.com  yes",
        "r2              2026-07-01 17:30:00  bob       sip.example.com  no",
        "not shown: outboundProxy",
    ]
    assert "2026-07-01T12:00:00Z" in shown([ALICE], environ={})


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30T00:00:00Z",
        "9999-12-31T23:59:59Z",  # which is in the year 10000 there
        "2024-01-01T25:00:00Z",
        "2024-01-01T00:00:00+99:00",
    ],
)
def test_a_text_that_only_looks_like_a_time_is_shown_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_there_are_colours_on_a_terminal_only_and_never_with_no_color() -> None:
    assert "\x1b[" in shown([ALICE], is_terminal=True)
    assert "\x1b[32m" in shown(ALICE, is_terminal=True)
    assert "\x1b[" not in shown([ALICE], is_terminal=True, environ={"NO_COLOR": "1"})
    assert "\x1b[" not in shown(ALICE, is_terminal=True, environ={"TERM": "dumb"})
    assert "\x1b[" not in shown([ALICE], output="table")


def test_a_table_of_nothing_is_empty() -> None:
    assert shown([], output="table") == ""
    assert [*details({}, 80, colored=False)] == []


ROW = {"callId": "c" * 36, "created": None, "prompt": "word " * 30, "agentId": "a" * 36, "ok": True, "more": "x"}


@pytest.mark.parametrize("width", [10, 40, 80, 120, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal(width: int) -> None:
    lines = [*listing([ROW, {**ROW, "prompt": "日本語" * 20}], width, colored=False)]
    assert len(lines) >= 3
    assert max(map(len, lines)) <= width


def test_ids_are_not_cut_and_what_has_no_space_is_named() -> None:
    lines = [*listing([ROW], 90, colored=False)]
    assert lines[0].split() == ["callId", "prompt", "ok", "more"]
    assert "c" * 36 in lines[1]
    assert "…" in lines[1]
    assert lines[-1] == "not shown: agentId"


def test_what_is_hidden_and_the_ids_of_others_have_space_after_the_rest() -> None:
    row = {"callId": "c" * 8, "joinUrl": MASK, "agentId": "a" * 36, "name": "Ann"}
    shown_at = {width: next(iter(listing([row], width, colored=False))).split() for width in (16, 24, 56)}
    assert shown_at[16] == ["callId", "name"]
    assert shown_at[24] == ["callId", "joinUrl", "name"]
    assert shown_at[56] == ["callId", "agentId", "name"]


def test_a_table_whose_cells_are_all_empty_has_its_columns() -> None:
    assert [*listing([{"a": None, "b": None}], 80, colored=False)] == ["a  b", ""]


def test_details_wrap_instead_of_cutting() -> None:
    lines = [*details({"id": "1", "text": "0123456789" * 3}, 20, colored=False)]
    assert lines == ["id    1", "text  01234567890123", "      45678901234567", "      89"]
    assert [*details({"t": "日本語"}, 6, colored=False)] == ["t  日", "   本", "   語"]
    assert [*details({"t": "   x"}, 4, colored=False)][-1] == "   x"


def test_columns_are_aligned_whatever_is_in_them() -> None:
    rows = [{"a": text, "b": "|"} for text in ("abc", "e\u0301", "日本語", "日本", "x" * 41, "日" * 21)]
    lines = [*listing(rows, 80, colored=False)]
    assert lines == [
        f"a{' ' * 41}b",
        f"abc{' ' * 39}|",
        f"e\u0301{' ' * 41}|",
        f"日本語{' ' * 36}|",
        f"日本{' ' * 38}|",
        f"{'x' * 39}…  |",
        f"{'日' * 19} …  |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (3.5, "3.5"),
        ("two\nlines\t.", "two⏎lines ."),
        ("\x1b[31mred\x9b", "\\u001b[31mred\\u009b"),
        ({"a": "ü"}, '{"a": "ü"}'),
        ("2026-07-01", "2026-07-01"),
    ],
)
def test_cells_are_single_lines_without_control_characters(value: object, text: str) -> None:
    assert cell(value) == text


def test_what_a_server_sends_cannot_control_a_terminal() -> None:
    evil = "\x1b]0;owned\x07\x9b2J\u202etxt"
    bob = SipRegistration("r1", CREATED, evil, "sip.example.com")
    for layout in FORMATS:
        text = shown([bob], is_terminal=True, output=layout, environ={"NO_COLOR": "1"})
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*text}, layout
    assert "\x1b" not in shown(bob, is_terminal=True, output="csv")
    assert shown(evil, is_terminal=True).rstrip("\n") == printable(evil)
    assert shown(evil) == f"{evil}\n"


@pytest.mark.parametrize("columns", [20, 200])
def test_the_names_of_fields_cannot_control_a_terminal_either(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    row = {"\x1b]0;owned\x07": "a", "two\nlines\t": "b", "\u202etxt": "c" * 20}
    for result in (row, [row]):  # by the side of the values, and above them or left out
        text = shown(result, is_terminal=True, environ={"NO_COLOR": "1"})
        assert not {"\x1b", "\x07", "\t", "\u202e"} & {*text}
        assert "\\u001b]0;owned\\u0007" in text
    lines = [*details(row, 200, colored=False)]
    assert [line.split()[0] for line in lines] == ["\\u001b]0;owned\\u0007", "two⏎lines", "\\u202etxt"]


def test_fields_are_chosen_by_the_names_of_the_api_or_of_python() -> None:
    assert json.loads(shown(BOB, fields=["username", "outbound_proxy", "outboundProxy"])) == {
        "username": "bob",
        "outbound_proxy": "proxy.example.com",
        "outboundProxy": "proxy.example.com",
    }


def test_fields_lead_into_objects_and_lists() -> None:
    value: dict[str, object] = {"results": [{"name": "a"}], "medium": {"webRtc": {}}}
    huge = f"results.{'9' * 5_000}"
    found = json.loads(
        shown(
            value, fields=[huge, "results.0.name", "results.1.name", "results.x", "medium.webRtc", "medium.webRtc.y.z"]
        )
    )
    assert found == {
        huge: None,
        "results.0.name": "a",
        "results.1.name": None,
        "results.x": None,
        "medium.webRtc": {},
        "medium.webRtc.y.z": None,
    }


def test_a_field_that_does_not_exist_is_refused_with_those_that_do(account: Mapping[str, str]) -> None:
    result = ultravox("sip", "registrations", "list", "--fields", "username,passwort", env=account)
    assert (result.code, result.out) == (2, "")
    assert "there is no field passwort; there are registrationId, created, username," in result.err


def test_secrets_are_hidden_unless_they_are_asked_for() -> None:
    call = Call("c1", CREATED, join_url="wss://secret.example.com/join")
    assert json.loads(shown(call))["joinUrl"] == MASK
    assert json.loads(shown(call, show_secrets=True))["joinUrl"] == "wss://secret.example.com/join"
    assert json.loads(shown(Call("c1", CREATED)))["joinUrl"] is None


def test_secrets_without_a_declaration_are_guessed_by_their_names() -> None:
    value = {"apiKey": "s", "nested": [{"joinUrl": "s", "authToken": None, "keys": 3}], "name": "n"}
    hidden = {"apiKey": MASK, "nested": [{"joinUrl": MASK, "authToken": None, "keys": 3}], "name": "n"}
    assert plain(value, show_secrets=False) == hidden
    assert plain(value, show_secrets=True) == value


def test_the_parts_of_a_result_that_have_no_type_are_hidden_by_their_names() -> None:
    secret = {"nested": [{"apiToken": "s"}], "name": "n"}
    hidden = {"nested": [{"apiToken": MASK}], "name": "n"}
    call = Call(
        "c1",
        CREATED,
        metadata={"secrets": "s", "a": "b"},
        initial_state=secret,
        request_context=secret,
        experimental_settings=[secret],
    )
    found = json.loads(shown([call]))[0]
    assert found["metadata"] == {"secrets": MASK, "a": "b"}
    assert (found["initialState"], found["requestContext"], found["experimentalSettings"]) == (hidden, hidden, [hidden])
    assert json.loads(shown(call, show_secrets=True))["initialState"] == secret


def test_an_object_that_has_a_type_is_shown_although_people_gave_it_the_name_of_a_secret() -> None:
    security = SecurityRequirements({"apiKey": SecurityRequirement.header_api_key("X-Key")})
    assert plain(security, show_secrets=False) == security.to_dict()


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "secrets",
        "passwords",
        "passwd",
        "pwd",
        "pin",
        "credential",
        "auth",
        "Authorization",
        "X-API-Key",
        "api_key",
        "APIKey",
        "apikeys",
        "access_token",
        "authtoken",
        "join_url",
        "joinURL",
        "presignedUrls",
        "key",
    ],
)
@pytest.mark.parametrize("value", ["s", 5, ["s"], {"value": "s"}])
def test_everything_below_the_name_of_a_secret_is_hidden(name: str, value: object) -> None:
    if name.endswith("s") and value == 5:
        value = [value]  # a number itself would be their number
    assert plain({"a": [{name: value}]}, show_secrets=False) == {"a": [{name: MASK}]}


@pytest.mark.parametrize(
    "value",
    [
        {"monkey": "a", "keyboard": "b", "keywords": ["c"], "author": "d", "authUser": "e", "pinned": "f", "url": "g"},
        {
            "billedSideInputTokens": 3,
            "keys": 2.5,
            "hasToken": True,
            "secret": None,
            "secrets": [],
            "pin": "",
            "key": {},
        },
    ],
)
def test_what_is_no_secret_is_shown(value: dict[str, object]) -> None:
    assert plain(value, show_secrets=False) == value


def test_changes_say_what_happened() -> None:
    assert plain(Added("r1", ALICE), show_secrets=False) == {"event": "added", "key": "r1", "value": ALICE.to_dict()}
    failure = plain(Interrupted(NotFoundError(404, "GET", "/x")), show_secrets=False)
    assert failure == {"event": "interrupted", "error": "404 Not Found: GET /x"}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            Changed("r1", ALICE, attrs.evolve(ALICE, successful=False, auth_user="a")),
            "~ changed  alice at sip.example.com  authUser: null → a  successful: yes → no  (r1)\n",
        ),
        (Removed("r1", ALICE), "- removed  alice at sip.example.com  (r1)\n"),
        (Removed[SipRegistration]("r1", None), "- removed  never seen  (r1)\n"),
        (Interrupted(NotFoundError(404, "GET", "/x")), "fail interrupted  404 Not Found: GET /x\n"),
        (Resumed(2), "ok resumed  after 2 rounds that could not be completed\n"),
    ],
)
def test_a_person_reads_what_has_changed(change: object, line: str) -> None:
    stream = io.StringIO()
    with Changes(Terminal(io.StringIO(), stream, io.StringIO(), {})) as changes:
        changes.write(change)
    assert stream.getvalue() == line


def test_no_name_looks_like_a_line_of_its_own() -> None:
    stream = io.StringIO()
    forged = attrs.evolve(ALICE, username="x\n- removed\teve")
    Changes(Terminal(io.StringIO(), stream, io.StringIO(), {})).write(Added("r1", forged))
    assert stream.getvalue() == "+ added  x\\n- removed\\teve at sip.example.com  (r1)\n"


def test_lists_of_texts_and_times_can_be_printed() -> None:
    assert json.loads(shown(["a", CREATED, timedelta(seconds=1)])) == [
        {"value": "a"},
        {"value": "2026-07-01T12:00:00+00:00"},
        {"value": "0:00:01"},
    ]


@pytest.mark.parametrize(("layout", "expected"), [("json", '[\n  {\n    "a": 1\n  }\n]\n'), ("table", "a\n1\n")])
def test_what_was_written_is_printed_also_after_a_failure(layout: str, expected: str) -> None:
    stream = io.StringIO()
    terminal = Terminal(io.StringIO(), stream, io.StringIO(), {})
    with contextlib.suppress(ZeroDivisionError), Rows(terminal, options(output=layout), ["a"]) as rows:
        rows.write({"a": 1})
        raise ZeroDivisionError
    assert stream.getvalue() == expected


def listing_of(account: Mapping[str, str], *words: str) -> Result:
    return ultravox("sip", "registrations", "list", *words, env=account)


def test_a_listing_that_fails_at_once_prints_nothing(account: Mapping[str, str], emulator: Emulator) -> None:
    emulator.inject(Respond(403), times=1)
    result = listing_of(account)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith("error: 403 Forbidden: GET /api/sip/registrations")


def test_a_listing_stops_at_its_limit_without_asking_for_more(account: Mapping[str, str], emulator: Emulator) -> None:
    before = len(emulator.requests)
    result = listing_of(account, "--limit", "2", "--page-size", "1", "--output", "csv", "--fields", "username")
    assert result.out.splitlines() == ["username", "user-000000", "user-000001"]
    assert len(emulator.requests) - before == 2


def test_options_may_stand_before_the_command(account: Mapping[str, str]) -> None:
    result = ultravox("--output", "jsonl", "--show-secrets", "sip", "config", "--fields", "domain", env=account)
    assert [*json.loads(result.out)] == ["domain"]


def test_spaces_around_the_names_of_fields_are_ignored(account: Mapping[str, str]) -> None:
    result = ultravox("voices", "list", "--limit", "1", "--fields", "name, voiceId", "--output", "csv", env=account)
    assert result.out.startswith("name,voiceId\n")


# A request for a change has the key of a provider under the provider's name; no response has it.
PROVIDERS = {"cartesia", "elevenLabs", "google", "inworld", "lmnt", "respeecher"}


def is_sensitive(hint: object) -> bool:
    return Sensitive in getattr(hint, "__metadata__", ()) or any(map(is_sensitive, get_args(hint)))


def test_what_is_declared_as_a_secret_is_hidden_also_where_nothing_declares_it() -> None:
    shapes = [shape for shape in (getattr(types, name) for name in dir(types)) if isinstance(shape, type)]
    fields = [field for shape in shapes for field in get_type_hints(shape, include_extras=True).items()]
    names = {wire_name(name) for name, hint in fields if is_sensitive(hint)}
    assert len(names) > 15
    data: dict[str, object] = dict.fromkeys(names, "s3cret")
    assert {name for name, value in json.loads(shown(data)).items() if value != MASK} == PROVIDERS
