"""What the Mesh tab writes under the stage."""

from dataclasses import replace

from orfeas.records import PrintReport
from orfeas.ui.mesh_tab.markup import inspection, print_check, verdict_text
from tests.ui.test_markup import MESH, Tags

PLAIN = "Colours are left out while defects are marked."
SOUND = PrintReport("pla", 9.92, 0.8, 2.0, 3.0, 0.0, 45.0, 0.0, 0.0, 0.0, 400.0)
OPEN = PrintReport("pla", None, 0.8, None, None, None, 45.0, 0.0, 0.0, 0.0, 400.0, why_not="it is not closed")


def test_a_textured_mesh_that_is_drawn_plain_says_so() -> None:
    assert PLAIN in Tags(inspection("a.glb", replace(MESH, boundary_edges=4))).text
    assert PLAIN not in Tags(inspection("a.stl", replace(MESH, boundary_edges=4, has_texture=False))).text
    assert PLAIN not in Tags(inspection("a.glb", MESH)).text


def test_the_legend_names_what_is_marked_and_nothing_else() -> None:
    crossed = Tags(inspection("a.stl", replace(MESH, crossing_faces=4, has_texture=False))).text
    assert "Marked in the view: faces that pass through others" in crossed
    assert "Marked in the view" not in Tags(inspection("a.stl", replace(MESH, crossing_faces=None))).text


def test_walls_and_mass_that_were_not_measured_are_no_facts() -> None:
    assert '<dt class="good">Walls</dt><dd>2.00 mm at the thinnest' in print_check("a.stl", SOUND)
    told = print_check("a.stl", OPEN)
    for label in ("Mass", "Walls"):
        assert f'<dt class="bad">{label}</dt><dd>Not measured, for it is not closed.</dd>' in told


def test_what_the_mass_leaves_open_stands_beside_it() -> None:
    noted = PrintReport("pla", 9.92, 0.8, 2.0, 3.0, 0.0, 45.0, 0.0, 0.0, 0.0, 400.0, notes=("Both count.",))
    assert "<dd>9.9 g filled through, in PLA. Both count.</dd>" in print_check("a.stl", noted)


def test_one_face_is_told_as_one() -> None:
    assert verdict_text(replace(MESH, faces=1)) == "1 face. Ready to print and for games."
