"""Who asks: the session and the address behind a Gradio request."""

import gradio as gr

from orfeas.jobs import Caller


def address_of(request: gr.Request) -> str:
    """The network address a request came from; empty where the server cannot tell."""
    client = request.request.client if request.request is not None else None
    return client.host if client is not None else ""


def caller_of(request: gr.Request) -> Caller:
    """The caller of an event; a bare ``/call`` has no session, and its jobs belong to nobody."""
    return Caller(session=request.session_hash or "", owner="", address=address_of(request))
