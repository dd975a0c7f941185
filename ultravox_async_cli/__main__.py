"""The command on its own: `python -m ultravox_async_cli`."""

import sys

from ultravox_async_cli.main import main

sys.exit(main())
