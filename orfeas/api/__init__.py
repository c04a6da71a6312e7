"""Plain HTTP: health, readiness, metrics, jobs and their files, and the guard that stands before every route."""

from orfeas.api.answers import unexpected
from orfeas.api.guard import Guard
from orfeas.api.routes import Phase, Routes

__all__ = ["Guard", "Phase", "Routes", "unexpected"]
