"""Mixed operations through bad weather, cancellations and closes at every stage; exits with 1 if anything is broken."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from . import cancelled, closed
from .mixed import Plan, run


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; return 1 where an invariant is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="mixed operations (default: %(default)s)")
    parser.add_argument("--cancellations", type=int, default=0, help="of all stages together (default: %(default)s)")
    parser.add_argument("--closes", type=int, default=0, help="of all stages together (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides about all that is random (default: %(default)s)")
    options = parser.parse_args(argv)
    passed = True
    if options.requests:
        report = asyncio.run(run(Plan(options.requests, options.seed)))
        sys.stdout.write(f"{report}\n")
        passed = report.passed
    for stage in cancelled.STAGES if options.cancellations else ():
        share = -(-options.cancellations // len(cancelled.STAGES))
        passed = _told(asyncio.run(cancelled.cancel_at(stage, share, options.seed))) and passed
    for each in closed.STAGES if options.closes else ():
        share = -(-options.closes // len(closed.STAGES))
        passed = _told(asyncio.run(closed.close_at(each, share, options.seed))) and passed
    return 0 if passed else 1


def _told(tally: cancelled.Tally | closed.Tally) -> bool:
    """Write a tally, and return whether it passed."""
    sys.stdout.write(f"{tally}{'' if tally.passed else ' BROKEN'}\n")
    sys.stdout.flush()
    return tally.passed


if __name__ == "__main__":
    sys.exit(main())
