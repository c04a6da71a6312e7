"""How a job's id travels through Gradio's queue, and the one private read of that queue.

A validator claims the job before Gradio queues the event, and the handler runs later, in another task and, for a bare
curl call, under another session. What they share is the HTTP request: Gradio hands both the same Starlette object, so
the id rides on its ``state``.
"""

import gradio as gr


def attach_job(request: gr.Request, job_id: str) -> None:
    """Write the id of the job that was claimed for this request on it, for the handler and the probe to find."""
    assert request.request is not None, "the request was pickled"
    request.request.state.orfeas_job_id = job_id


def attached_job(request: gr.Request) -> str | None:
    """The job that :func:`attach_job` wrote on this request; None where its event went past the validator."""
    assert request.request is not None, "the request was pickled"
    job_id: str | None = getattr(request.request.state, "orfeas_job_id", None)
    return job_id


def is_waiting(blocks: gr.Blocks, job_id: str) -> bool:
    """Whether Gradio still holds, queued or running, the event that the job was claimed for.

    Reads ``Blocks._queue.event_ids_to_events``, which is private: every event from its acceptance to its end, so that
    none is missed while Gradio moves it from the queue to a worker. May be called from any thread.
    """
    # list() of a dict's values is one step for other threads; a loop over the dict itself is not.
    events = list(blocks._queue.event_ids_to_events.values())
    return any(getattr(event.request.state, "orfeas_job_id", None) == job_id for event in events)
