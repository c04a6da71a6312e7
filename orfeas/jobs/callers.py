"""Who asks for jobs, and which browser their pages belong to."""

from collections import OrderedDict
from dataclasses import dataclass

# Pages that are remembered to belong to a browser; the longest unused are forgotten first.
MAX_SESSIONS = 10_000


@dataclass(frozen=True)
class Caller:
    """Who asks for a job.

    Attributes:
        session: what may have one live job at a time, such as a page or a client; empty for a bare request.
        owner: whose history the job enters; empty: the session's, see :meth:`orfeas.jobs.Jobs.owner_of`.
        address: network address; empty is this machine, which no address limit is for.
    """

    session: str
    owner: str
    address: str


class Owners:
    """Which browser each session belongs to. Not safe for threads: the caller holds its own lock."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

    def adopt(self, session: str, owner: str) -> None:
        """The session is the owner's from now on."""
        self._owners[session] = owner
        self._owners.move_to_end(session)
        if len(self._owners) > MAX_SESSIONS:
            self._owners.popitem(last=False)

    def owner_of(self, session: str) -> str:
        """Who adopted the session, or the session itself."""
        return self._owners.get(session, session)
