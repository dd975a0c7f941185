"""Makes a command of an operation: its options follow from the signature, and its result says how it is printed."""

import argparse
import warnings
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, BinaryIO, Final, cast, get_origin

import attrs

from ultravox_async import AsyncUltravox, Download, Pager
from ultravox_async.types import CreatedApiKey
from ultravox_async_cli import event_loop
from ultravox_async_cli.command import Command
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.operations.docs import description_of
from ultravox_async_cli.operations.examples import examples_of
from ultravox_async_cli.operations.lookup import MANY, Lookup
from ultravox_async_cli.operations.parameters import Parameter, parameters_of, result_of
from ultravox_async_cli.operations.parsers import add_output, add_parameter, add_profile, count
from ultravox_async_cli.operations.responses import readable
from ultravox_async_cli.operations.saving import save, stream_for, write
from ultravox_async_cli.operations.secret_file import created
from ultravox_async_cli.operations.tree import Operation
from ultravox_async_cli.operations.values import values_of
from ultravox_async_cli.output.changes import Changes
from ultravox_async_cli.output.fields import fields_of
from ultravox_async_cli.output.printing import Rows, note_no_results, show
from ultravox_async_cli.settings import open_client
from ultravox_async_cli.stop_signals import stop_signals
from ultravox_async_cli.terminal import Terminal

_STREAMS: Final = (Pager, AsyncGenerator)


def command_of(operation: Operation) -> Command:
    """Return the command that carries out an operation."""
    summary = description_of(operation.function)
    deprecated = getattr(operation.function, "__deprecated__", None)
    if deprecated is not None:
        summary += f"\n\nDeprecated: {deprecated}."
    call: _Call | Lookup
    if operation.many is None:
        call = _Call(operation, parameters_of(operation.function), result_of(operation.function))
    else:
        call = Lookup(operation, parameters_of(operation.many))
        summary += f"\n\n{MANY}"
    examples = examples_of(operation.words, call.parameters)
    return Command(summary, call.add_arguments, call.run, examples, fields_of(result_of(operation.function)))


@attrs.frozen
class _Call:
    """Calls a method once."""

    operation: Operation
    parameters: Sequence[Parameter]

    result: Any
    """The annotation of what the method returns."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        for parameter in self.parameters:
            add_parameter(parser, parameter)
        if self.result is Download:
            parser.add_argument(
                "-o", dest="target", metavar="FILE", help="where to save it (default: -, standard output)"
            )
        elif get_origin(self.result) is AsyncGenerator:
            add_output(parser, "text on a terminal, jsonl elsewhere")
        elif self.result is not type(None):
            add_output(parser)
        if get_origin(self.result) in _STREAMS:
            parser.add_argument("--limit", type=count, metavar="N", help="stop after N results (default: print all)")
        if self.result is CreatedApiKey:
            parser.add_argument("--secret-file", metavar="FILE", help="a new file for the key, readable by you only")
        add_profile(parser)

    def run(self, terminal: Terminal, options: argparse.Namespace) -> int:
        values = values_of(self.parameters, options, terminal)
        if self.result is CreatedApiKey:
            self._create_key(terminal, options, values)
            return ExitCode.OK
        if self.result is Download:
            return self._save(terminal, options, values)
        show(terminal, options, event_loop.run(self._result(terminal, options, values)), fields_of(self.result))
        return ExitCode.OK

    def _save(self, terminal: Terminal, options: argparse.Namespace, values: dict[str, object]) -> ExitCode:
        # SIGTERM and SIGHUP would leave the part of the file that is there.
        with stream_for(options.target, terminal) as stream, stop_signals() as stop:
            try:
                event_loop.run(self._download(terminal, options, values, stream))
            except KeyboardInterrupt:
                return stop.exit_code
        return ExitCode.OK

    def _create_key(self, terminal: Terminal, options: argparse.Namespace, values: dict[str, object]) -> None:
        if options.secret_file is None and not options.show_secrets:
            raise CommandError("the key can be read this one time only: use --secret-file FILE or --show-secrets")
        with created(options.secret_file) as store:
            key = cast("CreatedApiKey", event_loop.run(self._result(terminal, options, values)))
            try:
                store(key.secret or "")
            except OSError as error:
                raise CommandError(
                    f"the key {key.prefix} has been created, and is lost, because it could not be stored in "
                    f"{options.secret_file} ({error.strerror})",
                    ExitCode.FAILED,
                    f"ultravox api-keys delete {key.prefix}",
                ) from None
        show(terminal, options, key)

    async def _result(self, terminal: Terminal, options: argparse.Namespace, values: dict[str, object]) -> object:
        """Return the result of an operation; None if there is none, or if it was printed as it arrived."""
        async with open_client(terminal, options) as ultravox:
            result = self._call(ultravox, values)
            if isinstance(result, AsyncIterable):
                writer = self._writer(terminal, options)
                await _print_all(terminal, writer, cast("AsyncIterable[object]", result), options.limit)
                return None
            return readable(await cast("Awaitable[object]", result), options)

    async def _download(
        self, terminal: Terminal, options: argparse.Namespace, values: dict[str, object], stream: BinaryIO | None
    ) -> None:
        async with open_client(terminal, options) as ultravox:
            download = cast("Download", self._call(ultravox, values))
            if stream is None:
                await save(download, options.target, terminal)
            else:
                await write(download, stream, terminal)

    def _writer(self, terminal: Terminal, options: argparse.Namespace) -> Rows | Changes:
        """Return what prints results. Those of a watch have no end at which a table could be printed."""
        if get_origin(self.result) is AsyncGenerator and options.output is None:
            if terminal.stdout.isatty() and options.fields is None:
                return Changes(terminal)
            options.output = "jsonl"
        return Rows(terminal, options, fields_of(self.result))

    def _call(self, ultravox: AsyncUltravox, values: dict[str, object]) -> object:
        method: Callable[..., object] = self.operation.method(ultravox)
        positional = [values.pop(one.name) for one in self.parameters if one.is_positional and one.name in values]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the help says so
            return method(*positional, **values)


async def _print_all(
    terminal: Terminal, writer: Rows | Changes, results: AsyncIterable[object], limit: int | None
) -> None:
    # Closed here, and not when it is garbage-collected, so that Ctrl-C ends the request that is in flight.
    async with aclosing(cast("AsyncGenerator[object, None]", aiter(results))) as iterator:
        printed = 0
        with writer as rows:
            async for result in iterator:
                rows.write(result)
                printed += 1
                if printed == limit:
                    break
        if not printed:
            note_no_results(terminal)
