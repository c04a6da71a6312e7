"""What the Mesh tab writes under the stage."""

from dataclasses import replace

from orfeas.ui.mesh_tab import markup
from tests.ui.test_markup import MESH, Tags

PLAIN = "Colours are left out while defects are marked."


def test_a_textured_mesh_that_is_drawn_plain_says_so() -> None:
    assert PLAIN in Tags(markup.inspection("a.glb", replace(MESH, boundary_edges=4))).text
    assert PLAIN not in Tags(markup.inspection("a.stl", replace(MESH, boundary_edges=4, has_texture=False))).text
    assert PLAIN not in Tags(markup.inspection("a.glb", MESH)).text
