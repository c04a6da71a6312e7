"""``python -m orfeas``: the command line."""

import signal
import sys

if __name__ == "__main__":
    # Until the command itself listens, Ctrl-C ends the process at once, without a traceback of half-done imports.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from orfeas.cli import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
