import io
from pathlib import Path

import pytest

from tests.security.canaries import PASSWORD, texts_of, texts_of_object, traces
from ultravox_async_cli.apply.registrations_file import Row, read_rows
from ultravox_async_cli.errors import CommandError

SIMPLE = "hunter2"
HEADER = "username,proxy,outboundProxy,authUser,password\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "registrations.csv"


def rows_of(file: Path, text: str | bytes) -> list[Row]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rows(str(file), io.BytesIO())


def problems_of(file: Path, text: str | bytes) -> list[str]:
    with pytest.raises(CommandError) as raised:
        rows_of(file, text)
    return [line.removeprefix(f"{file}: ") for line in str(raised.value).splitlines()]


def test_a_row_has_its_fields_and_the_number_of_its_line(file: Path) -> None:
    one, other = rows_of(file, HEADER + "ann,sip.example.com,edge.example.com,auth-ann,pw\n\nbob,sip.example.com,,,\n")
    assert one.password is not None
    assert one.password.reveal() == "pw"
    assert (one.line, one.username, one.proxy) == (2, "ann", "sip.example.com")
    assert one.optional == {"outbound_proxy": "edge.example.com", "auth_user": "auth-ann"}
    assert (other.line, other.username, other.password) == (4, "bob", None)


def test_an_empty_cell_is_null_and_an_absent_column_is_nothing(file: Path) -> None:
    [row] = rows_of(file, "username,proxy,authUser\nann,sip.example.com,\n")
    assert row.optional == {"auth_user": None}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xef\xbb\xbfusername,proxy,authUser\nann,sip.example.com,ann\n", id="a byte order mark"),
        pytest.param(b"username,proxy,authUser\r\nann,sip.example.com,ann\r\n", id="lines that end with CRLF"),
        pytest.param(b"username,proxy,authUser\rann,sip.example.com,ann\r", id="lines that end with CR"),
        pytest.param(b"username;proxy;authUser\nann;sip.example.com;ann\n", id="semicolons"),
        pytest.param(b"username\tproxy\tauthUser\nann\tsip.example.com\tann\n", id="tabs"),
        pytest.param(b'"username","proxy","authUser"\n"ann","sip.example.com","ann"', id="quotes"),
        pytest.param(b"AuthUser, USERNAME ,proxy\nann,ann,sip.example.com\n", id="titles in other letters"),
        pytest.param(b"username,proxy,auth_user\nann,sip.example.com,ann\n", id="titles as in Python"),
        pytest.param(b"\n\nusername;proxy;authUser\n\nann;sip.example.com;ann\n;;\n", id="blank lines"),
        pytest.param(
            b"registrationId,created,username,proxy,authUser,successful\n1,2026,ann,sip.example.com,ann,true\n",
            id="a listing",
        ),
    ],
)
def test_a_file_may_have(file: Path, text: bytes) -> None:
    [row] = rows_of(file, text)
    assert (row.username, row.proxy, row.optional) == ("ann", "sip.example.com", {"auth_user": "ann"})


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("username\nann\n", ["line 1: there is no column proxy"]),
        ("", ["line 1: there is no column username", "line 1: there is no column proxy"]),
        (
            "username,proxy,outbundProxy\n",
            [
                "line 1: column 3 has no title that is one of username, proxy, ",
            ],
        ),
        ("username,proxy,Proxy\n", ["line 1: there are two columns proxy"]),
        (
            "username,proxy;authUser\n",
            ["line 1: has more than one of comma, semicolon and tab; only one of them can separate columns"],
        ),
        (HEADER + "ann,,,,pw\n", ["line 2: proxy is empty"]),
        (HEADER + "ann,sip.example.com\n", ["line 2: cells: 2, but 5 in the first line"]),
        (
            HEADER + f"{'a' * 61},{'p' * 101},,,pw\n",
            [
                "line 2: username has 61 characters, and at most 60 are allowed",
                "line 2: proxy has 101 characters, and at most 100 are allowed",
            ],
        ),
        (
            HEADER + "ann ,sip.example.com,,\x1b[1m,pw\n",
            [
                "line 2: username has spaces around it, or characters that cannot be seen",
                "line 2: auth_user has spaces around it, or characters that cannot be seen",
            ],
        ),
        (
            HEADER + "ann,one.example.com,,,pw\nann,two.example.com,,,pw\nann,one.example.com,,,other\n",
            ["line 4: has the same username and proxy as line 2"],
        ),
        (HEADER + '"ann"x,sip.example.com,,,pw\n', ["line 2: ',' expected after '\"'"]),
        (HEADER + '"a\nb",sip.example.com,,,pw\n,sip.example.com,,,pw\n', ["line 2: username has", "line 4: username"]),
        (b"username,proxy\nann,\xff\n", ["line 2: not UTF-8"]),
        ('"username', ["line 1: unexpected end of data"]),
    ],
)
def test_problems_have_the_number_of_their_line(file: Path, text: str | bytes, problems: list[str]) -> None:
    found = problems_of(file, text)
    assert len(found) == len(problems)
    assert all(one.startswith(expected) for one, expected in zip(found, problems, strict=True)), found


def test_all_problems_are_found_at_once_and_ten_are_shown(file: Path) -> None:
    *first, last = problems_of(file, HEADER + ",sip.example.com,,,\n" * 25)
    assert [problem.split(":")[0] for problem in first] == [f"line {number}" for number in range(2, 12)]
    assert last == "… and 15 more"


def test_a_file_that_does_not_exist_is_named() -> None:
    with pytest.raises(CommandError, match=r"^/nowhere/x.csv: No such file or directory$"):
        read_rows("/nowhere/x.csv", io.BytesIO())


def test_a_password_may_have_spaces_and_the_other_separators(file: Path) -> None:
    [row] = rows_of(file, HEADER + 'ann,sip.example.com,,," p;w\t"\n')
    assert row.password is not None
    assert row.password.reveal() == " p;w\t"


def test_a_row_does_not_show_its_password(file: Path) -> None:
    quoted = PASSWORD.replace('"', '""')
    [row] = rows_of(file, HEADER + f'ann,sip.example.com,,,"{quoted}"\n')
    assert row.password is not None
    assert row.password.reveal() == PASSWORD
    assert traces(*texts_of_object(row)) == []


@pytest.mark.parametrize("last", ['"', "ann,sip.example.com,,,\n", "x,\n"])
def test_no_problem_shows_a_password_of_the_file(file: Path, last: str) -> None:
    quoted = PASSWORD.replace('"', '""')
    file.write_text(HEADER + f'ann,sip.example.com,,,"{quoted}"\n{last}', encoding="utf-8")
    with pytest.raises(CommandError) as raised:
        read_rows(str(file), io.BytesIO())
    assert traces(*texts_of(raised.value)) == []


def test_a_file_without_titles_does_not_show_the_password_of_its_first_row(file: Path) -> None:
    problems = problems_of(file, f"ann,sip.example.com,{SIMPLE},{SIMPLE}\n")
    assert [problem.split(" has ")[0] for problem in problems[:4]] == [f"line 1: column {n}" for n in range(1, 5)]
    assert SIMPLE not in "\n".join(problems).casefold()


@pytest.mark.parametrize("name", ["-", "@-"])
def test_rows_come_from_standard_input(name: str) -> None:
    [row] = read_rows(name, io.BytesIO(b"username,proxy\nann,sip.example.com\n"))
    assert row.username == "ann"
    with pytest.raises(CommandError, match=r"^standard input: line 1: there is no column proxy$"):
        read_rows(name, io.BytesIO(b"username\nann\n"))


def test_standard_input_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(CommandError, match=r"^standard input: line 2: not UTF-8$"):
        read_rows("-", io.BytesIO(b"username,proxy\nann,\xff\n"))


def test_a_file_may_be_named_as_in_other_commands(file: Path) -> None:
    file.write_text("username,proxy\nann,sip.example.com\n", "utf-8")
    assert read_rows(f"@{file}", io.BytesIO()) == read_rows(str(file), io.BytesIO())
