"""Connects a cut-out's panel to its handlers: it follows the picture, the choice, the mask and the remover."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import gradio as gr
from gradio.components import Component

from orfeas.ui.cut_out.endpoint import CUT_OUTS, CUT_OUTS_AT_ONCE
from orfeas.ui.cut_out.handlers import CutOutHandlers
from orfeas.ui.cut_out.layout import CutOutPanel
from orfeas.ui.submissions import uploaded
from orfeas.ui.toast import shown_as_toast


def connect_cut_out(
    handlers: CutOutHandlers,
    panel: CutOutPanel,
    image: gr.Image,
    remover: gr.Dropdown,
    header: gr.HTML,
    announcer: gr.HTML,
) -> None:
    """Wire one panel, while the page's ``gr.Blocks`` is open; ``header`` changes with the engines."""

    async def on_change(
        request: gr.Request, picture: object, background: object, mask: object, by: object
    ) -> AsyncIterator[tuple[object, object]]:
        with shown_as_toast():
            values = {"background": background, "mask": mask, "remover": by}
            name = f"{request.session_hash} {image.elem_id}"
            is_told = False
            async with aclosing(handlers.look(name, uploaded(picture), values)) as views:
                async for view in views:
                    is_told = True
                    yield view.html, view.announcement or gr.skip()
            if not is_told:  # the panel was asked again meanwhile
                yield gr.skip(), gr.skip()

    def on_other_picture() -> None:
        """A mask is of one picture."""

    gr.on(
        [image.upload, image.clear],
        on_other_picture,
        None,
        panel.mask,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    inputs: list[Component] = [image, *panel.in_order(), remover]
    gr.on(
        [image.change, panel.background.change, panel.mask.change, remover.change, header.change],
        on_change,
        inputs,
        [panel.preview, announcer],
        preprocess=False,
        # The next is sent at once, and stops the one before it.
        trigger_mode="multiple",
        concurrency_id=CUT_OUTS,
        concurrency_limit=CUT_OUTS_AT_ONCE,
        show_progress="hidden",
        api_visibility="private",
    )
