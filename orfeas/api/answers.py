"""Errors as plain HTTP tells them."""

import logging
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orfeas.errors import (
    InternalError,
    OrfeasError,
)

LOGGER = logging.getLogger(__name__)


def error_response(error: OrfeasError) -> Response:
    """An error as plain HTTP tells it."""
    return JSONResponse({"error": error.code, "message": error.sentence}, status_code=error.http_status)


async def unexpected(_: Request, error: Exception) -> Response:
    """What anyone sees of a bug: an id to find it in the log by, and nothing else."""
    reference = secrets.token_hex(4)
    LOGGER.error("request failed inside ORFEAS; reference %s", reference, exc_info=error)
    return error_response(InternalError(f"ORFEAS met a bug of its own. The operator finds it under {reference}."))
