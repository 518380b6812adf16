"""Tests of dust_eval.trial: the protocol file."""

from pathlib import Path

import pytest

from dust_eval.trial import load_protocol

SHIPPED = Path(__file__).parents[3] / "config" / "protocol.yaml"


def test_the_shipped_protocol_is_the_papers():
    protocol = load_protocol(SHIPPED)
    assert len(protocol.specs) == 96
    assert len({spec.name for spec in protocol.specs}) == 96
    per_task = [
        sum(spec.task == task for spec in protocol.specs)
        for task in ("box_to_bowl", "box_to_plate", "basket_to_bowl", "plate_to_basket")
    ]
    assert per_task == [24, 24, 24, 24]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tasks: [a]",
        "tasks: 3\nobjects: [a]\nseeds: [0]\ntime_limit: 1",
        "tasks: [a]\nobjects: [b]\nseeds: [x]\ntime_limit: 1",
    ],
)
def test_a_broken_protocol_is_named(tmp_path, text):
    path = tmp_path / "protocol.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"protocol\.yaml needs lists"):
        load_protocol(path)
