import io
import os
import stat
from pathlib import Path

import pytest

from ultravox_async_cli.bulk.id_lists import RemainingIds, read_ids
from ultravox_async_cli.errors import CommandError


def read(*arguments: str, stdin: bytes = b"") -> list[str]:
    return read_ids(arguments, io.BytesIO(stdin))


def test_ids_are_read_from_arguments_files_and_standard_input_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("c\nd\n")
    assert read("a", f"@{tmp_path / 'ids'}", "-", "b", stdin=b"e\nf\n") == ["a", "c", "d", "e", "f", "b"]


def test_an_id_that_is_given_twice_is_fetched_once() -> None:
    assert read("b", "a", "-", stdin=b"a\nb\nc\n") == ["b", "a", "c"]


def test_blank_lines_spaces_carriage_returns_and_a_byte_order_mark_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(b"\xef\xbb\xbfa\r\n\r\n  b \n\tc")
    assert read(f"@{tmp_path / 'ids'}") == ["a", "b", "c"]


def test_an_argument_may_be_the_lines_of_a_file() -> None:
    assert read("a\nb\n") == ["a", "b"]


def test_a_file_that_does_not_exist_is_named() -> None:
    with pytest.raises(CommandError, match=r"^/nowhere/ids: No such file or directory$"):
        read("@/nowhere/ids")


def test_standard_input_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    only_written = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    with os.fdopen(only_written, "rb") as stdin, pytest.raises(CommandError) as caught:
        read_ids(["-"], stdin)
    assert str(caught.value) == "standard input: Bad file descriptor"


def test_a_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(b"a\n\xff\n")
    with pytest.raises(CommandError, match=r"ids, line 2: not UTF-8$"):
        read(f"@{tmp_path / 'ids'}")


def test_a_line_of_standard_input_that_is_not_utf_8_is_named() -> None:
    with pytest.raises(CommandError, match=r"^standard input, line 2: not UTF-8$"):
        read("-", stdin=b"a\n\xff\n")


def test_the_ids_that_are_left_replace_the_file_and_keep_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    path.write_text("a\nb\nc\n")
    path.chmod(0o640)
    RemainingIds(str(path)).write(["b", "c"])
    assert path.read_text() == "b\nc\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_nothing_but_the_file_is_left_in_its_folder(tmp_path: Path) -> None:
    RemainingIds(str(tmp_path / "ids")).write(["b"])
    assert [*tmp_path.iterdir()] == [tmp_path / "ids"]


def test_if_the_ids_cannot_be_written_the_file_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ids"
    path.write_text("a\nb\n")

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(CommandError, match=r"ids: No space left on device$"):
        RemainingIds(str(path)).write(["b"])
    assert path.read_text() == "a\nb\n"
    assert [*tmp_path.iterdir()] == [path]


def test_a_symbolic_link_is_kept(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("a\n")
    (tmp_path / "link").symlink_to(tmp_path / "ids")
    RemainingIds(str(tmp_path / "link")).write(["b"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "ids").read_text() == "b\n"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        RemainingIds(str(pipe)).write(["a", "b"])
        assert os.read(reader, 100) == b"a\nb\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_folder_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Is a directory$"):
        RemainingIds(str(tmp_path))


def test_a_file_in_a_folder_that_does_not_exist_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(CommandError, match=r"^/nowhere/ids: No such directory$"):
        RemainingIds("/nowhere/ids")


def test_a_folder_that_cannot_be_written_to_is_noticed_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The superuser, as whom tests may run, can write everywhere.
    def is_allowed(path: Path, _mode: int) -> bool:
        return path != tmp_path

    monkeypatch.setattr(os, "access", is_allowed)
    with pytest.raises(CommandError, match=r"ids: Permission denied$"):
        RemainingIds(str(tmp_path / "ids"))
