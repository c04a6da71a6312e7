from collections import Counter

import numpy as np

from orfeas.engines.hunyuan.cases import CENTRE, EDGES, FACES, case_table

TABLE = case_table()
FACES_OF_EDGE = [{f for f, face in enumerate(FACES) if set(ends) <= set(face)} for ends in EDGES]


def drawn(config: int, joined: int) -> list[tuple[int, ...]]:
    return [tuple(int(e) for e in t) for t in TABLE.triangles[TABLE.row_of[config, joined]] if t[0] >= 0]


def sides(config: int, joined: int) -> Counter[tuple[int, int]]:
    return Counter((t[n], t[(n + 1) % 3]) for t in drawn(config, joined) for n in range(3))


def outline(config: int, joined: int) -> set[tuple[int, int]]:
    """Directed sides that no other triangle of the case takes the other way."""
    counts = sides(config, joined)
    return {side for side in counts if side[::-1] not in counts}


def crossed(config: int) -> set[int]:
    return {e for e, (a, b) in enumerate(EDGES) if (config >> a & 1) != (config >> b & 1)}


def test_every_case_has_a_vertex_on_each_crossed_edge_and_on_no_other() -> None:
    for config in range(256):
        for joined in range(64):
            assert {e for t in drawn(config, joined) for e in t} - {CENTRE} == crossed(config)


def test_no_directed_side_is_taken_twice() -> None:
    for config in range(256):
        for joined in range(64):
            assert set(sides(config, joined).values()) <= {1}


def test_every_side_on_a_face_of_the_cell_belongs_to_the_outline() -> None:
    for config in range(256):
        for joined in range(64):
            on_a_face = {
                (a, b) for a, b in sides(config, joined) if CENTRE not in (a, b) and FACES_OF_EDGE[a] & FACES_OF_EDGE[b]
            }
            assert on_a_face == outline(config, joined)


def test_the_outline_leaves_and_enters_each_vertex_once() -> None:
    for config in range(256):
        for joined in range(64):
            starts = Counter(a for a, _ in outline(config, joined))
            ends = Counter(b for _, b in outline(config, joined))
            assert starts == ends == dict.fromkeys(crossed(config), 1)


def test_neighbours_draw_the_same_contour_on_their_common_face_the_other_way_round() -> None:
    low, high = FACES[0], FACES[1]
    partner = {c: c - 4 for c in high}
    edge_below = {e: EDGES.index((partner[a], partner[b])) for e, (a, b) in enumerate(EDGES) if {a, b} <= set(high)}
    for bits in range(16):
        config = sum(1 << corner for n, corner in enumerate(high) if bits >> n & 1)
        mirrored = sum(1 << partner[corner] for n, corner in enumerate(high) if bits >> n & 1)
        for is_joined in (0, 1):
            here = {(a, b) for a, b in outline(config, is_joined << 1) if {a, b} <= set(edge_below)}
            on_low = {e for e, ends in enumerate(EDGES) if set(ends) <= set(low)}
            there = {(a, b) for a, b in outline(mirrored, is_joined) if {a, b} <= on_low}
            assert {(edge_below[b], edge_below[a]) for a, b in here} == there


def test_one_inside_corner_is_cut_off_by_a_triangle_that_faces_away_from_it() -> None:
    (triangle,) = drawn(1, 0)
    points = np.array([np.mean([[c >> 2 & 1, c >> 1 & 1, c & 1] for c in EDGES[e]], axis=0) for e in triangle])
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    assert (normal > 0).all()


def test_the_saddle_decides_whether_two_diagonal_corners_are_one_body_or_two() -> None:
    config = 1 << FACES[0][0] | 1 << FACES[0][2]
    assert len(drawn(config, 0)) == 2
    assert len(drawn(config, 1)) == 4
