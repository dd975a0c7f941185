"""Mixed operations through bad weather, and cancellations at every stage; exits with 1 where anything is broken."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from .cancelled import STAGES, cancel_at
from .mixed import Plan, run


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; return 1 where an invariant is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="mixed operations (default: %(default)s)")
    parser.add_argument("--cancellations", type=int, default=0, help="of all stages together (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides about all that is random (default: %(default)s)")
    options = parser.parse_args(argv)
    passed = True
    if options.requests:
        report = asyncio.run(run(Plan(options.requests, options.seed)))
        sys.stdout.write(f"{report}\n")
        passed = report.passed
    for stage in STAGES if options.cancellations else ():
        tally = asyncio.run(cancel_at(stage, -(-options.cancellations // len(STAGES)), options.seed))
        sys.stdout.write(f"{tally}{'' if tally.passed else ' BROKEN'}\n")
        passed = passed and tally.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
