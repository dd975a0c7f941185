"""The command line of the campaign."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from .mixed import Plan, run


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; return 1 where an invariant is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="mixed operations (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides about all that is random (default: %(default)s)")
    options = parser.parse_args(argv)
    report = asyncio.run(run(Plan(options.requests, options.seed)))
    sys.stdout.write(f"{report}\n")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
