"""The command `get` of a resource: one object, or many of them."""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs

from ultravox_async import AsyncUltravox, Sweep
from ultravox_async_cli import event_loop
from ultravox_async_cli.bulk import fetching
from ultravox_async_cli.errors import ExitCode
from ultravox_async_cli.operations.parameters import Parameter, is_ids, result_of
from ultravox_async_cli.operations.parsers import add_output, add_parameter, add_profile
from ultravox_async_cli.operations.tree import Operation
from ultravox_async_cli.operations.values import values_of
from ultravox_async_cli.output.fields import fields_of
from ultravox_async_cli.output.printing import show
from ultravox_async_cli.settings import open_client
from ultravox_async_cli.terminal import Terminal

MANY: Final = "Several ids, those in a file (@FILE) or on standard input (-) are fetched concurrently."
"""What the help of each of these commands says."""


@attrs.frozen
class Lookup:
    """Calls `get` for one id, and `get_many` for several."""

    operation: Operation

    parameters: Sequence[Parameter]
    """Those of `get_many`: they are those of `get`, with many ids in the place of the last one."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments to a parser."""
        for parameter in self.parameters:
            add_parameter(parser, parameter)
        fetching.add_arguments(parser)
        add_output(parser)
        add_profile(parser)

    def run(self, terminal: Terminal, options: argparse.Namespace) -> int:
        """Fetch what was asked for."""
        parameters = [one for one in self.parameters if not is_ids(one.kind)]
        values = values_of(parameters, options, terminal)
        parents = [values.pop(one.name) for one in parameters if one.is_positional]
        if not fetching.is_bulk(options):
            show(terminal, options, event_loop.run(self._get(terminal, options, parents, values)))
            return ExitCode.OK
        get_many = partial(self._get_many, parents, values)
        fields = fields_of(result_of(self.operation.function))
        return fetching.run(terminal, options, options.ids, get_many, fields)

    async def _get(
        self,
        terminal: Terminal,
        options: argparse.Namespace,
        parents: Sequence[object],
        named: Mapping[str, object],
    ) -> object:
        async with open_client(terminal, options) as ultravox:
            # Options for many ids do nothing here, and a wrong value is refused all the same. Nothing is sent, because
            # nothing is taken from the iterator; a sweep without one would warn that it was forgotten.
            aiter(self._get_many(parents, named, ultravox, options.ids))
            return await self.operation.method(ultravox)(*parents, options.ids[0])

    def _get_many(
        self, parents: Sequence[object], named: Mapping[str, object], ultravox: AsyncUltravox, ids: Sequence[str]
    ) -> Sweep[Any]:
        sweep: Sweep[Any] = self.operation.method_for_many(ultravox)(*parents, ids, **named)
        return sweep
