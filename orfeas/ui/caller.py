"""Who asks: the session and the address behind a Gradio request."""

import secrets

import gradio as gr

from orfeas.jobs import Caller


def address_of(request: gr.Request) -> str:
    """The network address a request came from; empty where the server cannot tell."""
    client = request.request.client if request.request is not None else None
    return client.host if client is not None else ""


def caller_of(request: gr.Request) -> Caller:
    """The caller of an event.

    A bare ``/call`` has no session: its network address stands in, so that it too has one live job at a time, and its
    jobs enter a history that nobody can ask for, since anyone may name an address.
    """
    address = address_of(request)
    if request.session_hash or not address:
        return Caller(session=request.session_hash or "", owner="", address=address)
    return Caller(session=f"address {address}", owner=secrets.token_hex(16), address=address)
