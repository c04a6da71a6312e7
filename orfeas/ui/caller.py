"""Who asks: the session and the address behind a Gradio request."""

import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

import gradio as gr

from orfeas.jobs import Caller

# What a proxy or a tunnel adds to a request that it passes on.
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")

# What Gradio's MCP server writes into ``x-gradio-user``.
ASSISTANT = "mcp"


def address_of(request: gr.Request) -> str:
    """The network address a request came from; empty where the server cannot tell."""
    client = request.request.client if request.request is not None else None
    return client.host if client is not None else ""


def caller_of(request: gr.Request) -> Caller:
    """The caller of an event.

    A bare ``/call`` has no session: its network address stands in, so that it too has one live job at a time, and its
    jobs enter a history that nobody can ask for, since anyone may name an address. So it is for an assistant: all of
    them come through one session of Gradio's own, which is nobody's.
    """
    address = address_of(request)
    is_assistant = request.headers.get("x-gradio-user") == ASSISTANT
    if (request.session_hash and not is_assistant) or not address:
        return Caller(session=request.session_hash or "", owner="", address=address)
    return Caller(session=f"address {address}", owner=secrets.token_hex(16), address=address)


def is_operator(request: gr.Request, has_login: bool) -> bool:
    """Whether who asks may decide over the machine: anyone where all have logged in, else who sits at it.

    A request that something passed on comes from nobody at this machine, whatever its address says.
    """
    if has_login:
        return True
    headers = request.headers
    if any(headers.get(name) for name in FORWARDED):
        return False
    named = [f"//{headers.get('host', '')}", *([headers["origin"]] if headers.get("origin") else [])]
    return _is_here(address_of(request)) and all(_is_here(_host_of(url)) for url in named)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_here(name: str) -> bool:
    """Whether a host name or a network address is this machine's own."""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
