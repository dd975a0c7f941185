import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import tzset
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Interval, MinLen

from ultravox_async import UploadSource
from ultravox_async.annotations import Sensitive
from ultravox_async.types import CallMedium, DataMessage, SelectedTool, WebhookEvent
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.operations.parameters import parameters_of
from ultravox_async_cli.operations.parsers import Parser, add_parameter
from ultravox_async_cli.operations.values import value_of, values_of
from ultravox_async_cli.terminal import Terminal


class Taking:
    """Has a method for each kind of value."""

    def text(self, value: str) -> None: ...
    def maybe(self, *, value: str | None) -> None: ...
    def whole(self, value: int) -> None: ...
    def number(self, value: float) -> None: ...
    def truth(self, *, value: bool | None = None) -> None: ...
    def day(self, value: date) -> None: ...
    def moment(self, value: datetime) -> None: ...
    def clock(self, value: time) -> None: ...
    def duration(self, value: timedelta) -> None: ...
    def texts(self, *, value: Sequence[str]) -> None: ...
    def event(self, *, value: WebhookEvent) -> None: ...
    def events(self, *, value: Sequence[WebhookEvent]) -> None: ...
    def tools(self, *, value: Sequence[SelectedTool]) -> None: ...
    def pairs(self, *, value: Mapping[str, str]) -> None: ...
    def things(self, *, value: Mapping[str, Any]) -> None: ...
    def medium(self, *, value: CallMedium) -> None: ...
    def message(self, value: DataMessage) -> None: ...
    def file(self, value: UploadSource) -> None: ...
    def secret(self, *, value: Annotated[str, Sensitive]) -> None: ...
    def secrets(self, *, value: Annotated[Sequence[str], Sensitive]) -> None: ...


def terminal(stdin: str = "", environ: Mapping[str, str] | None = None) -> Terminal:
    return Terminal(
        io.TextIOWrapper(io.BytesIO(stdin.encode()), "latin-1"), io.StringIO(), io.StringIO(), environ or {}
    )


def read(method: Callable[..., None], *words: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> object:
    (parameter,) = parameters_of(method)
    return value_of(parameter, words, terminal(stdin, environ))


@pytest.mark.parametrize(
    ("method", "words", "value"),
    [
        (Taking.text, ["null"], "null"),
        (Taking.text, ["@@home"], "@home"),
        (Taking.maybe, ["null"], None),
        (Taking.maybe, ["x"], "x"),
        (Taking.whole, ["-3"], -3),
        (Taking.number, ["1.5"], 1.5),
        (Taking.truth, ["true"], True),
        (Taking.truth, ["null"], None),
        (Taking.day, ["2026-07-01"], date(2026, 7, 1)),
        (Taking.day, ["2026-07-01T10:00Z"], datetime(2026, 7, 1, 10, tzinfo=UTC)),
        (Taking.moment, ["2026-07-01T10:00:00+00:00"], datetime(2026, 7, 1, 10, tzinfo=UTC)),
        (Taking.moment, ["2026-07-01T10:00"], datetime(2026, 7, 1, 10).astimezone()),
        (Taking.clock, ["17:30"], time(17, 30)),
        (Taking.duration, ["90"], timedelta(seconds=90)),
        (Taking.duration, ["0.5s"], timedelta(seconds=0.5)),
        (Taking.duration, ["1d2h3m4s"], timedelta(1, 4, hours=2, minutes=3)),
        (Taking.texts, ["a,b", "c"], ["a,b", "c"]),
        (Taking.texts, ['["a", "b"]', "c"], ["a", "b", "c"]),
        (Taking.texts, ["[]"], []),
        (Taking.events, ['["call.ended", "call.started"]'], ["call.ended", "call.started"]),
        (
            Taking.tools,
            ['{"toolName": "a"}', '[{"toolName": "b"}]'],
            [SelectedTool.by_name("a"), SelectedTool.by_name("b")],
        ),
        (Taking.pairs, ["a=1", "b=x=y"], {"a": "1", "b": "x=y"}),
        (Taking.pairs, ['{"a": "1", "b": 2}'], {"a": "1", "b": "2"}),
        (Taking.things, ["a=1", "b=x", 'c={"d": null}'], {"a": 1, "b": "x", "c": {"d": None}}),
        (Taking.things, ['{"a": [1]}'], {"a": [1]}),
        (Taking.things, ["monkey=1", "keyboard=x", "a=NaN"], {"monkey": 1, "keyboard": "x", "a": "NaN"}),
        (Taking.medium, ['{"webRtc": {}}'], CallMedium.from_dict({"webRtc": {}})),
        (Taking.message, ['{"type": "hang_up"}'], {"type": "hang_up"}),
        (Taking.file, ["@odd name"], Path("@odd name")),
    ],
)
def test_words_become_what_a_method_takes(method: Callable[..., None], words: list[str], value: object) -> None:
    if method is Taking.file:
        words = [f"@{words[0]}"]  # a name that begins with an @ is written with two
    assert read(method, *words) == value


@pytest.mark.parametrize(
    ("method", "word", "problem"),
    [
        (Taking.whole, "x", "VALUE takes a whole number, not x"),
        (Taking.number, "x", "VALUE takes a number, not x"),
        (Taking.truth, "x", "--value takes true or false"),
        (
            Taking.day,
            "2026-02-30",
            "VALUE takes a date such as 2026-07-01, or a time such as 2026-07-01T12:00+02:00, not 2026",
        ),
        (Taking.clock, "x", "VALUE takes a time of day such as 17:30, not x"),
        (Taking.duration, "5 minutes", "VALUE takes a duration such as 90s, 5m or 1h30m, not 5 minutes"),
        (Taking.duration, "", "VALUE takes a duration such as 90s, 5m or 1h30m, not "),
        (Taking.duration, "99999999999999d", "VALUE takes a duration of at most 999999999 days, not 99999999999999d"),
        (Taking.message, "[" * 50_000, "VALUE takes JSON that is not nested as deep as this"),
        (Taking.events, "call.ended,call.started", "--value takes one value; repeat the option for several"),
        (Taking.event, "call.ended,call.started", "--value takes one value"),
        (Taking.pairs, "a", "--value takes NAME=VALUE, a JSON object or @FILE"),
        (Taking.pairs, "{", "--value takes JSON or @FILE (Expecting property name"),
        (Taking.message, "[]", "VALUE takes a JSON object"),
        (Taking.medium, "{}x", "--value takes JSON or @FILE (Extra data"),
        (Taking.medium, "[]", "--value has JSON: expected"),
        (Taking.medium, '{"webRtc": {"dataMessages": 3}}', "--value has webRtc.dataMessages: expected"),
        (Taking.medium, '{"webRTC": {}}', "--value has a field that does not exist: webRTC"),
        (Taking.medium, '{"webRtc": {"x": 1}}', "--value has a field that does not exist: webRtc.x"),
        (Taking.tools, '[{"toolName": "a", "nam": 1}]', "--value has a field that does not exist: nam"),
        (
            Taking.tools,
            '{"temporaryTool": {"dynamicParameters": [{"nam": "x"}]}}',
            "temporaryTool.dynamicParameters.nam",
        ),
        (Taking.text, "@/no/such/file", "cannot read /no/such/file: No such file or directory"),
    ],
)
def test_other_words_are_refused_with_what_is_taken(method: Callable[..., None], word: str, problem: str) -> None:
    with pytest.raises(CommandError) as caught:
        read(method, word)
    assert problem in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_time_that_is_out_of_range_in_the_zone_of_the_person_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC+5")  # five hours west of Greenwich
    tzset()
    try:
        with pytest.raises(CommandError, match=r"VALUE takes a time such as .*, not 9999-12-31T23:59"):
            read(Taking.moment, "9999-12-31T23:59")
    finally:
        monkeypatch.undo()
        tzset()


def test_values_come_from_files_and_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "medium.json"
    path.write_text('{"webRtc": {}}', "utf-8")
    assert read(Taking.medium, f"@{path}") == CallMedium.from_dict({"webRtc": {}})
    assert read(Taking.medium, "@-", stdin='{"webRtc": {}}') == CallMedium.from_dict({"webRtc": {}})
    assert read(Taking.text, "@-", stdin="a prompt\n") == "a prompt\n"


def test_standard_input_is_utf_8_whatever_the_locale_is() -> None:
    assert read(Taking.text, "@-", stdin="Zürich") == "Zürich"
    assert read(Taking.secret, "@-", stdin="Zürich") == "Zürich"


def test_texts_have_no_byte_order_mark_and_the_line_breaks_of_python(tmp_path: Path) -> None:
    path = tmp_path / "prompt"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    assert read(Taking.text, f"@{path}") == "a\nb\n"


SECRET_TOOL = '{"toolName": "a", "authTokens": {"x": "s3cret"}}'


@pytest.mark.parametrize(
    ("method", "word"),
    [
        (Taking.tools, SECRET_TOOL),
        (Taking.tools, f"[{SECRET_TOOL}]"),
        (Taking.tools, '{"toolName": "a", "parameterOverrides": {"apiKeys": ["s3cret"]}}'),
        (Taking.message, '{"type": "x", "apiKey": "s3cret"}'),
        (Taking.things, 'a={"password": "s3cret"}'),
        (Taking.things, '{"password": "s3cret"}'),
        (Taking.pairs, "auth_token=s3cret"),
        (Taking.pairs, '{"a": {"secrets": ["s3cret"]}}'),
        (Taking.things, '{"apiKeys": ["s3cret"]}'),
        (Taking.things, '{"key": {"value": "s3cret"}}'),
    ],
)
def test_json_with_a_secret_comes_from_a_file_only(method: Callable[..., None], word: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        read(method, word)
    assert str(caught.value).endswith("contains a secret, which is not taken from the command line: use @FILE")
    assert "s3cret" not in str(caught.value)
    if word.startswith(("{", "[")):
        path = tmp_path / "value.json"
        path.write_text(word, "utf-8")
        assert "s3cret" in json.dumps(read(method, f"@{path}"), default=lambda tool: tool.to_dict(sensitive=True))


@pytest.mark.parametrize("method", [Taking.secret, Taking.text])
def test_a_file_is_a_text(method: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match=f"^cannot read {path}: it is not UTF-8$"):
        read(method, f"@{path}")


def test_secrets_come_from_files_standard_input_and_variables(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("s3cret\r\n", "utf-8")
    assert read(Taking.secret, f"@{path}") == "s3cret"
    assert read(Taking.secret, "@-", stdin="s3cret\n") == "s3cret"
    assert read(Taking.secret, "env:PASSWORD", environ={"PASSWORD": "s3cret"}) == "s3cret"
    assert read(Taking.secrets, "env:A", "env:B", environ={"A": "1", "B": "2"}) == ["1", "2"]


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("s3cret", "the value is a secret, and not taken from the command line: use ask, @FILE, @- or env:NAME"),
        ("env:s3cret", "the variable for the value is not set, or empty"),
        ("env:EMPTY", "the variable for the value is not set, or empty"),
        ("@/no/such/s", "cannot read /no/such/s: No such file or directory"),
        ("@-", "the value in standard input is empty"),
        ("ask", "nobody can be asked for the value here: use @FILE or env:NAME"),
    ],
)
def test_a_secret_from_anywhere_else_is_refused_and_not_shown(word: str, problem: str) -> None:
    with pytest.raises(CommandError) as caught:
        read(Taking.secret, word, environ={"EMPTY": ""})
    assert str(caught.value) == problem


class Example:
    def many(self, *, temperature: Annotated[float, Interval(ge=0, le=1)], size: Annotated[int, Ge(1)] = 5) -> None: ...
    def few(self, *, names: Annotated[Sequence[str], MinLen(1)], until: bool) -> None: ...
    def short(self, *, one: Annotated[str, MinLen(1)], two: Annotated[str, MinLen(2)]) -> None: ...


def help_of(method: Callable[..., None]) -> str:
    parser = Parser("ultravox example", "An example.", [], 200)
    for parameter in parameters_of(method):
        add_parameter(parser, parameter)
    return parser.format_help()


def test_help_has_limits_and_defaults() -> None:
    assert "Limits: from 0 to 1. Required." in help_of(Example.many)
    assert "Limits: at least 1. Default: 5." in help_of(Example.many)
    assert "Limits: at least 1 of them. Repeat it for several. Required." in help_of(Example.few)
    assert "Limits: at least 1 character. Required." in help_of(Example.short)
    assert "Limits: at least 2 characters. Required." in help_of(Example.short)


def test_truths_are_flags() -> None:
    assert "JSON" not in help_of(Example.few)
    parser = Parser("ultravox example", "An example.", [], 80)
    parameters = parameters_of(Example.few)
    for parameter in parameters:
        add_parameter(parser, parameter)
    options = parser.parse_args(["--names", "a", "--no-until"])
    assert values_of(parameters, options, terminal()) == {"names": ["a"], "until": False}
