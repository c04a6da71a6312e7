"""A repaired model is made ready for a printer: smoothed, remeshed, laid flat, sized, fitted and hollowed, as asked."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.bounds import find_reach
from orfeas.meshes.placement import place
from orfeas.meshes.printing.fit import fit
from orfeas.meshes.printing.hollow import hollow
from orfeas.meshes.printing.orient import orient_for_printing
from orfeas.meshes.printing.reduce_hollow import reduce_hollow
from orfeas.meshes.printing.remesh import Remeshed, remesh
from orfeas.meshes.printing.smooth import smooth
from orfeas.options import RemeshChoice, RepairOptions
from orfeas.progress import Progress

# Where as many faces are wanted as there are: what the remeshing library does well.
MIN_FACES, MAX_FACES = 1_000, 200_000
# Less than that of the plate is touched, not lain on.
LEAST_FLAT_MM2 = 1.0
# Of a side; more than that is told.
SIZE_TOLERANCE = 0.01


@dataclass(frozen=True)
class Prepared:
    """What came of a model, and sentences for the user on what was done."""

    mesh: trimesh.Trimesh
    notes: tuple[str, ...]


Step = Callable[[trimesh.Trimesh], Prepared]


def prepare(mesh: trimesh.Trimesh, options: RepairOptions, progress: Progress) -> Prepared:
    """``mesh``, with everything done to it that ``options`` ask for beyond a repair, in the order they tell.

    Args:
        mesh: closed, as a repair leaves it; millimetres, Y up (conventions §1).
        options: what is wanted.
        progress: in an open stage.

    Raises:
        InvalidMesh: something that was asked for cannot be done with this model; the message says what.
        EngineUnavailable: even faces are wanted, and the library for them has no build for this machine.
        OutOfMemory: the machine's memory ran out.
    """
    steps = _steps(options, progress.check)
    notes: list[str] = []
    for number, step in enumerate(steps):
        progress.step(number, len(steps))
        done = step(mesh)
        mesh = done.mesh
        notes += done.notes
    progress.step(len(steps), len(steps))
    return Prepared(mesh, tuple(notes))


def _steps(options: RepairOptions, check: Callable[[], None]) -> list[Step]:
    steps: list[Step] = []
    if options.smooth_steps:
        steps.append(lambda mesh: _smoothed(mesh, options.smooth_steps, check))
    if options.remesh is not RemeshChoice.NONE:
        steps.append(lambda mesh: _remeshed(mesh, options, check))
    if options.lay_flat:
        steps.append(lambda mesh: _laid(mesh, check))
    if options.size_mm:
        steps.append(lambda mesh: Prepared(place(mesh, options.size_mm), ()))
    room = options.printer_sides_mm
    if room is not None:
        steps.append(lambda mesh: _fitted(mesh, room))
    if options.hollow_mm:
        steps.append(lambda mesh: _hollowed(mesh, options, check))
    return steps


def _smoothed(mesh: trimesh.Trimesh, smooth_steps: int, check: Callable[[], None]) -> Prepared:
    made = smooth(mesh, smooth_steps, check)
    if not made.large:
        return Prepared(made.mesh, ())
    if made.large == made.places:
        return Prepared(made.mesh, ("It was not smoothed: its faces are large, and are its shape, not grain on it.",))
    share = max(1, round(100 * made.large / made.places))
    return Prepared(made.mesh, (f"{share} % of its vertices are at large faces, and were not smoothed.",))


def _remeshed(mesh: trimesh.Trimesh, options: RepairOptions, check: Callable[[], None]) -> Prepared:
    is_quads = options.remesh is RemeshChoice.QUADS
    wanted = options.target_faces or int(np.clip(len(mesh.faces) // (2 if is_quads else 1), MIN_FACES, MAX_FACES))
    made = remesh(mesh, options.remesh, wanted, check=check)
    notes = [f"The faces were made anew: {_count(made)}.", *_told_of_size(mesh, made.mesh)]
    look = appearance_of(mesh)
    if look.texture is not None or look.colours is not None:
        notes.append("Colours and texture could not be kept on new faces.")
    return Prepared(made.mesh, tuple(notes))


def _told_of_size(before: trimesh.Trimesh, after: trimesh.Trimesh) -> list[str]:
    """What new faces made of the model's size, where that is much."""
    was, is_now = (find_reach(np.asarray(mesh.vertices, dtype=np.float64)) for mesh in (before, after))
    if (np.abs(is_now - was) <= SIZE_TOLERANCE * was).all():
        return []
    old, new = (" × ".join(f"{side:.1f}" for side in sides) for sides in (was, is_now))
    return [f"Its size changed with its faces: {new} mm, where it was {old} mm."]


def _count(made: Remeshed) -> str:
    if made.quads is None:
        return f"{len(made.mesh.faces):,} triangles"
    rest = len(made.mesh.faces) - 2 * len(made.quads)
    filled = f", and {rest:,} triangles where these left it open" if rest else ""
    return f"{len(made.quads):,} quads{filled}"


def _laid(mesh: trimesh.Trimesh, check: Callable[[], None]) -> Prepared:
    laid = orient_for_printing(mesh, check)
    if np.allclose(laid.rotation, np.eye(3)):
        return Prepared(laid.mesh, ("It stands well as it is, and was not turned.",))
    if laid.contact_mm2 < LEAST_FLAT_MM2:
        return Prepared(laid.mesh, ("It has no flat side, and was turned so that little hangs over.",))
    return Prepared(laid.mesh, (f"It was turned to lie on {laid.contact_mm2 / 100:,.1f} cm².",))


def _fitted(mesh: trimesh.Trimesh, room: tuple[float, float, float]) -> Prepared:
    width, depth, height = room
    # A printer's height is our y (conventions §1).
    fitted = fit(mesh, (width, height, depth))
    turned = " and turned by a quarter" if fitted.is_turned else ""
    if fitted.scale == 1.0:
        return Prepared(fitted.mesh, (f"It fits the printer as it is{turned}.",))
    return Prepared(fitted.mesh, (f"It was reduced to {100 * fitted.scale:.0f} % to fit the printer{turned}.",))


def _hollowed(mesh: trimesh.Trimesh, options: RepairOptions, check: Callable[[], None]) -> Prepared:
    made = hollow(mesh, options.hollow_mm, options.drain_holes, options.drain_hole_mm, check=check)
    share = 100 * made.volume_mm3 / made.solid_mm3
    holes = f", drained by {len(made.holes)} hole{'s' if len(made.holes) > 1 else ''}" if made.holes else ""
    hollows = f"{made.cavities} hollow{'s' if made.cavities > 1 else ''}"
    notes = [f"{hollows} within walls of {made.wall_mm:g} mm{holes}: {share:.0f} % of the material."]
    if len(made.holes) < options.drain_holes * made.cavities:
        notes.append(f"No more holes of {options.drain_hole_mm:g} mm fit beside each other at the bottom.")
    if made.solid_bodies:
        stay = "stay" if made.solid_bodies > 1 else "stays"
        notes.append(f"{made.solid_bodies:,} of {made.bodies:,} bodies {stay} solid, with no room for a hollow.")
    mesh = made.mesh
    if 0 < options.target_faces < len(mesh.faces):
        few = None
        if options.remesh is RemeshChoice.NONE:
            few = reduce_hollow(mesh, options.hollow_mm, options.target_faces, check)
        if few is not None:
            mesh = few
        else:
            notes.append(f"With its hollows it has {len(mesh.faces):,} faces; fewer would not leave it as it is.")
    return Prepared(mesh, tuple(notes))
