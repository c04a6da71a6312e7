"""What the stage shows of a job, as updates of the page's components."""

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from orfeas.records import JobKind, JobStatus
from orfeas.ui.handlers import Handlers, View
from orfeas.ui.layout import CAMERA, Page, quality_choices
from orfeas.ui.serving import cached

Updates = dict[Block, object]


class Stage:
    """The stage of one page."""

    def __init__(self, page: Page, handlers: Handlers) -> None:
        self._page = page
        self._handlers = handlers

    def live_outputs(self) -> list[Component]:
        """What a live job changes."""
        page = self._page
        return [page.job_id, page.clock, page.status, page.announcer, page.stop, page.cut_out, page.preview]

    def outputs(self) -> list[Component]:
        """What a finished job changes."""
        page = self._page
        next_steps = [page.to_model, page.adjust, page.again, page.reuse_seed]
        return [page.shown_id, page.model, page.viewer, page.picture, *next_steps, page.history, page.options.quality]

    def accepted(self, view: View) -> Updates:
        """A job that was just accepted. The style sheet puts Stop where Generate was while the status is live."""
        page = self._page
        return {
            page.job_id: view.job.job_id,
            page.clock: gr.Timer(active=True),
            page.status: view.status,
            page.announcer: view.announcement,
            page.stop: gr.Button("Stop", interactive=True),
            page.cut_out: view.cut_out,
            page.preview: view.preview,
        }

    def ended(self, view: View, owner: str) -> Updates:
        """A job that has just ended; one that made nothing leaves the stage as it was."""
        page = self._page
        ended: Updates = {
            page.job_id: "",
            page.clock: gr.Timer(active=False),
            page.status: view.status,
            page.announcer: view.announcement,
            page.preview: "",
        }
        return {**ended, **self.opened(view, owner)} if view.job.status == JobStatus.COMPLETED else ended

    def opened(self, view: View, owner: str) -> Updates:
        """A finished job on the stage."""
        page = self._page
        is_picture = view.job.kind == JobKind.TEXT_TO_IMAGE
        opened: Updates = {
            page.shown_id: view.job.job_id,
            page.status: view.status,
            page.announcer: view.announcement,
            page.cut_out: view.cut_out,
            page.picture: view.picture,
            page.to_model: gr.Button(visible=is_picture),
            page.adjust: gr.Button(visible=is_picture),
            page.again: gr.Button(visible=is_picture),
            page.reuse_seed: gr.Button(visible="seed" in view.job.options),
            page.history: self._handlers.history(owner, view.job.job_id),
            page.options.quality: gr.Radio(choices=quality_choices(self._handlers.seconds_by_quality())),
        }
        if view.model is not None:
            opened[page.viewer] = shown(cached(view.model))
            opened[page.model] = str(view.model)
        return opened


def shown(model: str) -> gr.Model3D:
    """A model that is new on the stage, seen as every model is at first; nothing where ``model`` is empty.

    Without the camera it would be seen from where its user went around the last one.
    """
    return gr.Model3D(model or None, camera_position=CAMERA)
