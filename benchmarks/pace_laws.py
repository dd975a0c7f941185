"""Compares laws for the adaptive pace on a simulated clock: `python -m benchmarks.pace_laws`.

Each law runs in the same conditions with the same seeds: a client that is configured for 200 requests a second while
the server accepts 50, with four kinds of limits; two, four and eight clients that share a limit of 200; and one of
them that joins late.
"""

import argparse
import statistics
import sys
from collections import deque
from collections.abc import Callable, Mapping

import attrs

from benchmarks.limits import FixedWindow, Limit, SlidingLog, TokenBucket
from benchmarks.simulation import Simulation, Summary, summary
from ultravox_async._http.pace import AdaptivePace, FixedPace, Pace

CONFIGURED = 200.0


class _Law:
    """The base class of the laws that were not chosen."""

    def __init__(self, configured: float) -> None:
        self.rate = configured
        self._configured = configured
        self.lowered = False

    def note_accepted(self, now: float) -> None:
        """Note a request that was carried out."""

    def note_refused(self, now: float) -> bool:
        """Note a request that was refused."""
        raise NotImplementedError

    def accepts(self, now: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Return whether the server accepts requests."""
        return True

    def note_unavailable(self, now: float) -> bool:
        """Note a 503; the simulation has none."""
        return self.note_refused(now)

    def _change_to(self, rate: float) -> None:
        self.rate = min(self._configured, max(0.5, rate))
        self.lowered = self.rate < self._configured


class Halving(_Law):
    """AIMD as in TCP Reno: the rate is halved at a refusal, and grows by 2/s in each second without one."""

    _last = float("-inf")

    def note_accepted(self, now: float) -> None:  # noqa: ARG002 - as the protocol has it
        """Note a request that was carried out."""
        self._change_to(self.rate + 2.0 / self.rate)

    def note_refused(self, now: float) -> bool:
        """Note a request that was refused."""
        if now - self._last > 0.25:  # noqa: PLR2004 - about what one answer takes
            self._last = now
            self._change_to(self.rate / 2)
        return True


class Cubic(_Law):
    """CUBIC (RFC 9438), with rates instead of windows: 0.7 of the rate at a refusal, then a cubic function of time."""

    _last = 0.0
    _highest = 0.0
    _beta, _c = 0.7, 2.0

    def note_accepted(self, now: float) -> None:
        """Note a request that was carried out."""
        if self._highest:
            until_highest = (self._highest * (1 - self._beta) / self._c) ** (1 / 3)
            self._change_to(self._highest + self._c * (now - self._last - until_highest) ** 3)

    def note_refused(self, now: float) -> bool:
        """Note a request that was refused."""
        if now - self._last > 0.25:  # noqa: PLR2004 - about what one answer takes
            self._last = now
            self._highest = self.rate
            self._change_to(self.rate * self._beta)
        return True


class Gradient(_Law):
    """Every half second, a step towards the rate at which 2 % of the requests are refused."""

    _epoch = 0.0
    _accepted = 0
    _refused = 0

    def note_accepted(self, now: float) -> None:
        """Note a request that was carried out."""
        self._accepted += 1
        self._step(now)

    def note_refused(self, now: float) -> bool:
        """Note a request that was refused."""
        self._refused += 1
        self._step(now)
        return True

    def _step(self, now: float) -> None:
        if now - self._epoch < 0.5:  # noqa: PLR2004 - an epoch
            return
        share = self._refused / (self._accepted + self._refused)
        self._change_to(self.rate * (1 + max(-0.5, min(0.05, 0.02 - share))))
        self._epoch, self._accepted, self._refused = now, 0, 0


class Tracking(_Law):
    """A little more than the rate that was accepted in the last second, as BBR does with the delivery rate."""

    def __init__(self, configured: float) -> None:
        super().__init__(configured)
        self._accepted: deque[float] = deque()

    def note_accepted(self, now: float) -> None:
        """Note a request that was carried out."""
        self._accepted.append(now)

    def note_refused(self, now: float) -> bool:
        """Note a request that was refused."""
        while self._accepted and self._accepted[0] <= now - 1.0:
            self._accepted.popleft()
        self._change_to(1.02 * len(self._accepted))
        return True


LAWS: Mapping[str, Callable[[float], Pace]] = {
    "fixed rate": FixedPace,
    "AIMD, 3.5 % down (chosen)": AdaptivePace,
    "AIMD, half down": Halving,
    "CUBIC, 30 % down": Cubic,
    "gradient to 2 % refused": Gradient,
    "102 % of what is accepted": Tracking,
}


@attrs.frozen
class Condition:
    """The conditions of a simulation."""

    limit: Callable[[], Limit]
    rate: float
    clients: int = 1
    joins_at: float | None = None
    """When the last one of the clients starts, in seconds; None if it starts with the others."""


CONDITIONS: Mapping[str, Condition] = {
    "limit 50, exact": Condition(lambda: SlidingLog(50), 50),
    "limit 50, whole seconds": Condition(lambda: FixedWindow(50), 50),
    "limit 50, bucket of 50": Condition(lambda: TokenBucket(50, 50), 50),
    "limit 50, bucket of 1 (nginx)": Condition(lambda: TokenBucket(50, 1), 50),
    "2 clients": Condition(lambda: SlidingLog(200), 200, 2),
    "4 clients": Condition(lambda: SlidingLog(200), 200, 4),
    "8 clients": Condition(lambda: SlidingLog(200), 200, 8),
    "1 and one late": Condition(lambda: SlidingLog(200), 200, 2, 5.0),
    "3 and one late": Condition(lambda: SlidingLog(200), 200, 4, 5.0),
    "7 and one late": Condition(lambda: SlidingLog(200), 200, 8, 5.0),
}


def simulated(law: Callable[[float], Pace], condition: Condition, seed: int, seconds: float = 40.0) -> Summary:
    """Return the summary of a run from the fifth second on; if a client joins late, from 20 seconds after that."""
    starts = None
    begin = 5.0
    if condition.joins_at is not None:
        starts = [0.05 * number for number in range(condition.clients - 1)] + [condition.joins_at]
        begin = condition.joins_at + 20.0
    simulation = Simulation(condition.limit(), [law(CONFIGURED) for _ in range(condition.clients)], seed=seed)
    arrivals = simulation.run(seconds, starts)
    return summary(arrivals, condition.clients, condition.rate, begin, seconds)


def main() -> int:
    """Print a table with a line for each law and condition."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pace_laws", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="simulations for each line (default: %(default)s)")
    options = parser.parse_args()
    sys.stdout.write("| law | condition | used | refused | shares from … to | within a quarter |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
    for name, law in LAWS.items():
        for where, condition in CONDITIONS.items():
            runs = [simulated(law, condition, seed) for seed in range(options.seeds)]
            cells = [
                name,
                where,
                f"{statistics.mean(run.used for run in runs):.1%}",
                f"{statistics.mean(run.refused for run in runs):.1%}",
                f"{min(run.lowest_share for run in runs):.2f} to {max(run.highest_share for run in runs):.2f}",
                f"{statistics.mean(run.within_a_quarter for run in runs):.0%}",
            ]
            sys.stdout.write(f"| {' | '.join(cells)} |\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
