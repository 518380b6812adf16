"""Which demonstrations are taken."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from dust_demos.collection.plan import plan
from dust_demos.collection.settings import OBJECTS, SEEDS, TASKS, CollectionSettings
from dust_sim.placement import place


def test_sixty_of_each_task_with_all_objects_alike():
    specs = plan(CollectionSettings())
    assert Counter(spec.task for spec in specs) == dict.fromkeys(TASKS, 60)
    pairs = Counter((spec.task, spec.object_name) for spec in specs)
    assert set(pairs.values()) == {15}
    assert len({spec.name for spec in specs}) == len(specs)


def test_a_few_show_all_tasks_and_objects():
    first = plan(CollectionSettings())[:4]
    assert {spec.task for spec in first} == set(TASKS)
    assert {spec.object_name for spec in first} == set(OBJECTS)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_more_demonstrations_leave_the_first_ones_as_they_are(few, more, share):
    one = plan(CollectionSettings(per_task=few, distractors=share))
    both = plan(CollectionSettings(per_task=few + more, distractors=share))
    assert both[: len(one)] == one


@given(st.sets(st.sampled_from(TASKS), min_size=1), st.sets(st.sampled_from(OBJECTS), min_size=1))
def test_only_what_was_asked_for(tasks, objects):
    specs = plan(CollectionSettings(tasks=tuple(tasks), objects=tuple(objects), per_task=8))
    assert {spec.task for spec in specs} == tasks
    assert {spec.object_name for spec in specs} == objects
    assert all(spec.seed in SEEDS for spec in specs)


def test_distractors_come_as_often_as_wanted_and_are_other_objects():
    assert not any(spec.distractors for spec in plan(CollectionSettings(distractors=0.0)))
    specs = plan(CollectionSettings(distractors=0.5, per_task=100))
    share = sum(bool(spec.distractors) for spec in specs) / len(specs)
    assert 0.43 < share < 0.57
    assert {len(spec.distractors) for spec in specs} == {0, 1, 2}
    assert not any(spec.object_name in spec.distractors for spec in specs)
    assert all(len(set(spec.distractors)) == len(spec.distractors) for spec in specs)


def test_the_cell_finds_room_for_all_of_them():
    for spec in plan(CollectionSettings(distractors=1.0)):
        placement = place(spec.task, spec.object_name, spec.seed, distractors=spec.distractors)
        assert set(spec.distractors) < set(placement.poses)
