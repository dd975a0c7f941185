"""Run a Python module, and end it when the standard input ends: `python bound.py MODULE ARGUMENTS`.

The system closes the pipes of a process when that ends, however it ends. So a process that starts a program in this
way, in a session of its own, and writes nothing to its standard input, does not leave it behind, even if it is killed.
"""

import os
import runpy
import signal
import sys
import threading
import time

PATIENCE = 1.0
"""Seconds that the program has to tidy up. Nobody is there any more for whom it could finish its work."""


def end_with_the_input() -> None:
    """Wait for the end of the standard input, and then end this process and those that it has started."""
    # Not through sys.stdin: processes that are forked meanwhile would inherit its lock, which nobody would give back.
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGINT)
    time.sleep(PATIENCE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    del sys.argv[0]
    # A program that a shell has started in the background ignores SIGINT, and so do those that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=end_with_the_input, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
