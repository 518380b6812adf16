"""What the tables say about objects and containers against what MuJoCo makes of them."""

from __future__ import annotations

import pytest

from dust_sim.cell import Cell
from dust_sim.containers import CONTAINERS, container_spec
from dust_sim.objects import OBJECTS, object_spec
from dust_sim.placement import place
from dust_sim.tasks import TASKS


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("task", TASKS)
def test_rest_heights_are_true(cell, task, name):
    placement = place(task, name, 1)
    cell.reset(placement)
    floor = CONTAINERS[placement.task.source].floor
    height = cell.poses()[name].position[2]
    assert height == pytest.approx(floor + OBJECTS[name].rest_height, abs=0.003)


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_stay_where_they_are_put(cell, name):
    placement = place("plate_to_basket", name, 2)
    cell.reset(placement)
    pose = cell.poses()[name]
    assert pose.position[:2] == pytest.approx(
        [placement.poses[name].x, placement.poses[name].y], abs=0.003
    )
    assert pose.yaw == pytest.approx(placement.poses[name].yaw, abs=0.1)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no object 'brick'; there are: teddy_bear"):
        object_spec("brick")
    with pytest.raises(ValueError, match="no container 'sack'; there are: brown_box"):
        container_spec("sack")
