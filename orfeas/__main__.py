"""``python -m orfeas``: the command line."""

import sys

from orfeas.cli import main

if __name__ == "__main__":
    sys.exit(main())
