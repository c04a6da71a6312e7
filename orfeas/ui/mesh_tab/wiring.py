"""A mesh that is chosen is looked at: measured, judged, and shown with its defects marked."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr

from orfeas.errors import Cancelled, OrfeasError
from orfeas.progress import Progress
from orfeas.ui.endpoints import FILES, FILES_AT_ONCE
from orfeas.ui.layout import Page
from orfeas.ui.markup import notice
from orfeas.ui.mesh_tab import markup
from orfeas.ui.mesh_tab.handlers import Inspection, MeshHandlers
from orfeas.ui.serving import cached
from orfeas.ui.stage import Updates, shown
from orfeas.ui.toast import shown_as_toast
from orfeas.ui.working import Places, finished


def connect_inspection(page: Page, handlers: MeshHandlers) -> None:
    """Wire it; while a job runs, the stage is the job's."""
    stages = Places()

    async def on_chosen(request: gr.Request, mesh: object, job_id: str, shown_id: str) -> Updates:
        def look(progress: Progress) -> tuple[Inspection, str]:
            with TemporaryDirectory(prefix="orfeas-") as folder:
                seen = handlers.inspect(mesh, Path(folder), progress)
                return seen, cached(seen.model)

        with shown_as_toast(), stages.taken(str(request.session_hash)) as stop:
            if job_id or (not mesh and shown_id):
                return {page.cut_out: gr.skip()}
            if not mesh:
                return _on_stage(page, "", markup.NO_MESH, "No mesh is chosen.")
            try:
                seen, model = await finished(look, stop)
            except Cancelled:  # another mesh was chosen meanwhile
                return {page.cut_out: gr.skip()}
            except OrfeasError as error:
                status = notice("failed", "This mesh cannot be used", str(error))
                return _on_stage(page, "", status, error.sentence)
        return _on_stage(page, model, seen.status, seen.announcement)

    page.mesh.mesh.change(
        on_chosen,
        [page.mesh.mesh, page.job_id, page.shown_id],
        [
            *(page.viewer, page.model, page.shown_id, page.status, page.announcer, page.cut_out, page.picture),
            *(page.to_model, page.adjust, page.again, page.reuse_seed),
        ],
        preprocess=False,
        # The next is sent at once, and stops the one before it.
        trigger_mode="multiple",
        show_progress="hidden",
        api_visibility="private",
        concurrency_id=FILES,
        concurrency_limit=FILES_AT_ONCE,
    )


def _on_stage(page: Page, model: str, status: str, announcement: str) -> Updates:
    """A mesh on the stage, or nothing where ``model`` is empty; no job's."""
    return {
        page.viewer: shown(model),
        page.model: model,
        page.shown_id: "",
        page.status: status,
        page.announcer: announcement,
        page.cut_out: "",
        page.picture: "",
        page.to_model: gr.Button(visible=False),
        page.adjust: gr.Button(visible=False),
        page.again: gr.Button(visible=False),
        page.reuse_seed: gr.Button(visible=False),
    }


def connect_print_check(page: Page, handlers: MeshHandlers) -> None:
    """Wire the button; a page that goes away stops it."""

    async def on_press(mesh: object, material: object, job_id: str, shown_id: str) -> Updates:
        if job_id:
            return {page.status: gr.skip()}
        with shown_as_toast():
            status = await finished(
                lambda progress: handlers.check_print(mesh, material, shown_id, progress), threading.Event()
            )
        return {page.status: status, page.announcer: "The print was checked."}

    page.check_print.click(
        on_press,
        [page.mesh.mesh, page.mesh.material, page.job_id, page.shown_id],
        [page.status, page.announcer],
        preprocess=False,
        show_progress="hidden",
        api_visibility="private",
        concurrency_id=FILES,
        concurrency_limit=FILES_AT_ONCE,
    )
