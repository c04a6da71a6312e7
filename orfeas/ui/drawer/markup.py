"""Pieces of the drawer written as HTML."""

from html import escape
from pathlib import PurePosixPath

from orfeas.fetching import FetchPlan
from orfeas.hub import FetchAccount
from orfeas.records import EngineInfo, FetchState
from orfeas.ui.words import bytes_text, seconds_text

HEAD = (
    '<div class="drawer-head"><h2>Engines</h2>'
    '<button type="button" class="plain icon" popovertarget="engines" popovertargetaction="hide"'
    ' aria-label="Close">✕</button></div>'
    "<p>“Automatic” takes the first engine in each list that is ready. No job downloads anything by itself.</p>"
)

ASKING = '<p class="notice">Asking what there is to fetch…</p>'
# Below this a time left that is counted to the second would jump about.
SOON_S = 10.0
# So many missing files are told by their names.
NAMED = 8


def group(title: str) -> str:
    """The heading of a list of engines."""
    return f"<h3>{escape(title)}</h3>"


def row(info: EngineInfo) -> str:
    """One engine with ready, or exactly what is missing."""
    badge = '<span class="badge">Preview engine</span>' if info.is_preview else ""
    state = (
        '<span class="state ready">Ready</span>'
        if info.is_ready
        else f'<span class="state missing">Not ready: {escape(info.why_not)}</span>'
    )
    needs = "" if info.is_ready else f"<dt>Needs</dt><dd>{escape(info.needs)}</dd>"
    return (
        f"<h4>{escape(info.title)} {badge}</h4>{state}<dl><dt>Good for</dt><dd>{escape(info.good_for)}</dd>{needs}"
        f"<dt>Licence</dt><dd>{escape(info.licence)}</dd></dl>"
    )


def notice(sentence: str, kind: str = "quiet") -> str:
    """A sentence about a fetch; ``kind`` is its class: quiet, failed."""
    return f'<p class="notice {escape(kind)}">{escape(sentence)}</p>' if sentence else ""


def progress(state: FetchState) -> str:
    """A fetch that runs: how much is here of how much, how fast, and how long still."""
    share = 100 * state.done_bytes / max(state.total_bytes, 1)
    facts = [f"{bytes_text(state.done_bytes)} of {bytes_text(state.total_bytes)}"]
    if state.bytes_per_s:
        facts.append(f"{bytes_text(round(state.bytes_per_s))} a second")
    if state.left_s is not None:
        left = f"about {seconds_text(state.left_s)}" if state.left_s >= SOON_S else "a few seconds"
        facts.append(f"{left} left")
    return (
        '<div class="bar-track" role="progressbar" aria-label="Fetching the weights" aria-valuemin="0"'
        f' aria-valuemax="100" aria-valuenow="{share:.0f}">'
        f'<div class="bar-fill" style="width:{share:.1f}%"></div></div>'
        f'<p class="notice">{" · ".join(facts)}</p>'
    )


def plan(found: FetchPlan) -> str:
    """What a fetch would do, to agree to before it starts."""
    accounts = "".join(_account(account) for account in found.accounts if account.missing)
    agree = "" if found.no_room else notice("Fetching them means that you have read this licence and accept it.")
    return (
        f'<section class="plan" aria-label="What would be fetched">{accounts}'
        f"<dl><dt>Disk</dt><dd>{bytes_text(found.free_bytes)} free</dd></dl>"
        f"{notice(found.no_room, 'failed')}{notice(found.fault, 'failed')}{agree}</section>"
    )


def _account(account: FetchAccount) -> str:
    names = ", ".join(PurePosixPath(name).name for name in account.missing[:NAMED])
    if len(account.missing) > NAMED:
        names = f"{len(account.missing)} files"
    here = account.total_bytes - account.missing_bytes
    size = bytes_text(account.missing_bytes) + (f"; {bytes_text(here)} are here already" if here else "")
    facts = (("Missing", names), ("Size", size), ("From", account.source), ("Licence", account.licence))
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{escape(value)}</dd>' for name, value in facts)}</dl>"
