import gc
import weakref
from dataclasses import dataclass, field

import pytest
import torch

from orfeas.errors import OutOfMemory
from orfeas.residence import Residence, Tenants, Wanted


@dataclass(frozen=True)
class Layout:
    needed_bytes: int
    sentence: str = "laid out"


@dataclass
class Thing:
    """What lies on a device."""

    plan: Layout
    released: list[Layout] = field(default_factory=list)

    def release(self) -> None:
        self.released.append(self.plan)


LARGE, SMALL = Layout(1000, "all at once"), Layout(100, "one by one")
Place = Residence[Layout, Thing]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What is free; tests change it."""
    memory = {"free": 1500}
    monkeypatch.setattr("orfeas.residence.free_bytes", lambda device: memory["free"])
    return memory


def wanted(key: str = "a", made: list[Thing] | None = None) -> Wanted[Layout, Thing]:
    def make(plan: Layout) -> Thing:
        thing = Thing(plan)
        if made is not None:
            made.append(thing)
        return thing

    return Wanted(key, torch.device("cpu"), (LARGE, SMALL), make)


def plan_of(place: Place, want: Wanted[Layout, Thing]) -> Layout:
    return place.run(want, lambda plan, thing: plan)[0]


def run_out() -> None:
    torch.empty(2**55, dtype=torch.int8)


@pytest.mark.usefixtures("memory")
def test_networks_stay_for_the_next_job_with_the_same_key_and_go_for_another() -> None:
    place: Place = Residence("Engine", Tenants())
    made: list[Thing] = []
    for key in ("a", "a", "b"):
        plan_of(place, wanted(key, made))
    assert len(made) == 2
    assert made[0].released == [LARGE]


def test_the_fastest_plan_that_fits_is_taken(memory: dict[str, int]) -> None:
    memory["free"] = 500
    assert plan_of(Residence("Engine", Tenants()), wanted()) is SMALL


def test_other_engines_networks_go_where_the_fastest_plan_does_not_fit_beside_them(memory: dict[str, int]) -> None:
    tenants = Tenants()
    first: Place = Residence("First", tenants)
    second: Place = Residence("Second", tenants)
    made: list[Thing] = []
    plan_of(first, wanted("a", made))
    memory["free"] = 500
    made[0].release = lambda: memory.update(free=1500)  # type: ignore[method-assign]  # the room comes back
    assert plan_of(second, wanted("b")) is LARGE
    assert first.plan is None


@pytest.mark.usefixtures("memory")
def test_other_engines_networks_stay_where_there_is_room_for_both() -> None:
    tenants = Tenants()
    first: Place = Residence("First", tenants)
    plan_of(first, wanted("a"))
    plan_of(Residence("Second", tenants), wanted("b"))
    assert first.plan is LARGE


def test_too_small_a_device_is_told_in_numbers(memory: dict[str, int]) -> None:
    memory["free"] = 50
    with pytest.raises(OutOfMemory, match=r"^Engine needs about 0\.0 GB of memory on cpu, and 0\.0 GB are free"):
        plan_of(Residence("Engine", Tenants()), wanted())


@pytest.mark.usefixtures("memory")
def test_running_out_once_steps_down_and_says_so() -> None:
    place: Place = Residence("Engine", Tenants())

    def work(plan: Layout, thing: Thing) -> Layout:
        if plan is LARGE:
            run_out()
        return plan

    result, notes = place.run(wanted(), work)
    assert result is SMALL
    assert notes == ("Device memory ran out, so it was made again with less: one by one.",)


@pytest.mark.usefixtures("memory")
def test_running_out_twice_is_an_error_that_leaves_nothing_behind() -> None:
    place: Place = Residence("Engine", Tenants())
    made: list[Thing] = []
    with pytest.raises(OutOfMemory, match="even after stepping down"):
        place.run(wanted("a", made), lambda plan, thing: run_out())
    assert [thing.released for thing in made] == [[LARGE], [SMALL]]
    assert not place.release()


@pytest.mark.usefixtures("memory")
def test_any_other_failure_is_passed_on_and_the_networks_stay() -> None:
    place: Place = Residence("Engine", Tenants())

    def fail(plan: Layout, thing: Thing) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        place.run(wanted(), fail)
    assert place.plan is LARGE


@pytest.mark.usefixtures("memory")
def test_what_did_not_fit_is_gone_before_the_second_try() -> None:
    place: Place = Residence("Engine", Tenants())
    first: list[weakref.ref[Thing]] = []

    def work(plan: Layout, thing: Thing) -> bool:
        if plan is LARGE:
            first.append(weakref.ref(thing))
            run_out()
        gc.collect()
        return first[0]() is None

    assert place.run(wanted(), work)[0]


@pytest.mark.usefixtures("memory")
def test_where_other_engines_can_go_the_second_try_has_the_same_plan() -> None:
    tenants = Tenants()
    first: Place = Residence("First", tenants)
    second: Place = Residence("Second", tenants)
    plan_of(first, wanted("a"))
    plan_of(second, wanted("b"))
    tries: list[Layout] = []

    def work(plan: Layout, thing: Thing) -> None:
        tries.append(plan)
        if len(tries) == 1:
            run_out()

    _, notes = first.run(wanted("a"), work)
    assert tries == [LARGE, LARGE]
    assert "after other engines' networks were let go" in notes[0]
    assert second.plan is None


@pytest.mark.usefixtures("memory")
def test_what_was_held_steps_down_by_the_plans_it_was_made_from() -> None:
    place: Place = Residence("Engine", Tenants())
    plan_of(place, wanted())
    others = Wanted("a", torch.device("cpu"), (Layout(700, "other"), Layout(70, "other")), Thing)

    def work(plan: Layout, thing: Thing) -> Layout:
        if plan is LARGE:
            run_out()
        return plan

    assert place.run(others, work)[0] is SMALL
