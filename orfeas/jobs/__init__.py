"""One live job per session: accept or refuse, follow, cancel, remember. No torch, no Gradio."""

from orfeas.jobs.callers import Caller
from orfeas.jobs.registry import Jobs

__all__ = ["Caller", "Jobs"]
