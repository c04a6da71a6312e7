"""The command line: thin calls to the studio; ``python -m orfeas --help`` lists them.

Exit status: 0 done, 1 failed (the sentence is on standard error), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import sys
from collections.abc import Sequence

from pydantic import ValidationError

from orfeas.cli.parser import build_parser
from orfeas.errors import Cancelled, OrfeasError
from orfeas.settings import explain

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except Cancelled as error:
        print(error.sentence, file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        return 130
    except ValidationError as error:
        print(explain(error), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The file cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    except OrfeasError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    return status
