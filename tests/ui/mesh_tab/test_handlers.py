import pytest

from orfeas.errors import InvalidOption
from orfeas.studio import LOCAL, Studio
from orfeas.ui.mesh_tab.handlers import MeshHandlers
from orfeas.ui.words import in_page_words


@pytest.mark.parametrize("percent", [200, -1, "much"])
def test_a_smallest_part_out_of_range_is_refused_in_the_unit_of_the_tab(studio: Studio, percent: object) -> None:
    values = {"mesh": None, "repair_faces": 0, "mesh_size_mm": 0, "min_part_percent": percent}
    with pytest.raises(InvalidOption) as refused:
        MeshHandlers(studio).submit_repair(values, LOCAL)
    assert in_page_words(str(refused.value)).startswith("“Smallest part, %” cannot be ")
    assert str(refused.value).endswith("it takes a number from 0 to 100.")
