"""The page: one ``gr.Blocks`` with everything in it, for the server to launch."""

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr

from orfeas.studio import Studio
from orfeas.ui.endpoints import create_endpoints
from orfeas.ui.examples import find_example_model, find_examples
from orfeas.ui.handlers import Handlers
from orfeas.ui.layout import create_page
from orfeas.ui.uploads import StudioBlocks
from orfeas.ui.visits import Visits
from orfeas.ui.wiring import Wiring
from orfeas.workspace import SERVED_KEEP_S

CACHE_CHECK_S = 600
# Gradio's own limit counts waiting events of every kind; the studio refuses jobs long before, in better words.
MAX_WAITING_EVENTS = 1000
# Of each kind of event that does not use the device.
LIGHT_EVENTS_AT_ONCE = 8


@dataclass(frozen=True)
class BuiltPage:
    """The page, and the endpoints that scripts may call on it: parameters by name."""

    blocks: gr.Blocks
    endpoints: Mapping[str, tuple[str, ...]]


def build_page(studio: Studio, visits: Visits) -> BuiltPage:
    """Make the page over a studio; nothing is served yet."""
    examples = find_examples()
    blocks = StudioBlocks(
        title="ORFEAS", analytics_enabled=False, fill_width=True, delete_cache=(CACHE_CHECK_S, SERVED_KEEP_S)
    )
    with blocks:
        page = create_page(studio.engines(), examples, find_example_model())
        Wiring(studio, Handlers(studio, examples), page, visits).connect(blocks)
        endpoints = create_endpoints(studio)
    blocks.queue(api_open=False, max_size=MAX_WAITING_EVENTS, default_concurrency_limit=LIGHT_EVENTS_AT_ONCE)
    return BuiltPage(blocks, endpoints)
