"""A mesh that is chosen is looked at: measured, judged, and shown with its defects marked."""

from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr
from gradio.blocks import Block

from orfeas.ui.endpoints import FILES, FILES_AT_ONCE
from orfeas.ui.layout import Page
from orfeas.ui.mesh_tab.handlers import MeshHandlers
from orfeas.ui.print_check import stoppable
from orfeas.ui.serving import cached
from orfeas.ui.toast import shown_as_toast

Updates = dict[Block, object]


def connect_inspection(page: Page, handlers: MeshHandlers) -> None:
    """Wire it; while a job runs, the stage is the job's."""

    def on_chosen(mesh: object, job_id: str) -> Updates:
        if job_id or not mesh:
            return {page.cut_out: gr.skip()}
        with shown_as_toast(), TemporaryDirectory(prefix="orfeas-") as folder:
            seen = handlers.inspect(mesh, Path(folder))
            model = cached(seen.model)
        return {
            page.viewer: model,
            page.model: model,
            page.shown_id: "",
            page.status: seen.status,
            page.announcer: seen.announcement,
            page.cut_out: "",
            page.picture: "",
            page.to_model: gr.Button(visible=False),
            page.adjust: gr.Button(visible=False),
            page.again: gr.Button(visible=False),
            page.reuse_seed: gr.Button(visible=False),
        }

    page.mesh.mesh.change(
        on_chosen,
        [page.mesh.mesh, page.job_id],
        [
            page.viewer,
            page.model,
            page.shown_id,
            page.status,
            page.announcer,
            page.cut_out,
            page.picture,
            page.to_model,
            page.adjust,
            page.again,
            page.reuse_seed,
        ],
        preprocess=False,
        show_progress="hidden",
        api_visibility="private",
        concurrency_id=FILES,
        concurrency_limit=FILES_AT_ONCE,
    )


def connect_print_check(page: Page, handlers: MeshHandlers) -> None:
    """Wire the button; a page that goes away stops it."""

    async def on_press(mesh: object, material: object, job_id: str) -> Updates:
        if job_id:
            return {page.status: gr.skip()}
        with shown_as_toast():
            status = await stoppable(lambda progress: handlers.check_print(mesh, material, progress))
        return {page.status: status, page.announcer: "The print was checked."}

    page.check_print.click(
        on_press,
        [page.mesh.mesh, page.mesh.material, page.job_id],
        [page.status, page.announcer],
        preprocess=False,
        show_progress="hidden",
        api_visibility="private",
        concurrency_id=FILES,
        concurrency_limit=FILES_AT_ONCE,
    )
