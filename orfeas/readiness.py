"""Why an engine cannot run here, from the checks that say so."""

from collections.abc import Callable

from orfeas.errors import EngineUnavailable


def why_not(*checks: Callable[[], None]) -> str:
    """What the first check to fail said, without its full stop; empty where none did.

    Args:
        checks: each raises ``EngineUnavailable`` where something is missing.
    """
    try:
        for check in checks:
            check()
    except EngineUnavailable as error:
        return str(error).rstrip(".")
    return ""
