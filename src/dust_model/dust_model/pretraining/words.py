"""Instructions in many wordings, so that none of them matters."""

from __future__ import annotations

import numpy as np

from dust_model.pretraining.folder import Body

PICK = ("Pick up", "Take", "Grasp", "Grab", "Lift", "Get", "Please pick up", "pick up", "take")
PLACE = ("place", "put", "lay", "set", "move", "drop")
BRIDGES = (" and {place} it {target}", ", then {place} it {target}", " and {place} it {target}")
DIRECT = ("{Place} the {object}{source} {target}", "{Place} the {object} {target}")
ENDS = (".", ".", "")


def at(body: Body, *, moving: bool = False, strict: bool = True) -> str:
    """Say where a body is or goes, such as `in the golden bowl`.

    Args:
        body: a container.
        moving: something goes there.
        strict: `in` for what holds things inside, `on` for the rest; otherwise `into` and `onto`
            or `from`.
    """
    if strict:
        return f"{'in' if body.inside else 'on'} the {body.words}"
    if moving:
        return f"{'into' if body.inside else 'onto'} the {body.words}"
    return f"from the {body.words}"


def paraphrase(thing: Body, source: Body | None, target: Body, random: np.random.Generator) -> str:
    """Return an instruction to bring a thing to a target.

    Args:
        thing: the object to take.
        source: where it is; None leaves that out.
        target: the container to bring it to.
        random: draws the wording.
    """

    def pick(options: tuple[str, ...]) -> str:
        return options[random.integers(len(options))]

    place = pick(PLACE)
    where = "" if source is None else " " + at(source, strict=bool(random.random() < 0.7))
    goal = at(target, moving=True, strict=bool(random.random() < 0.7))
    if random.random() < 0.2:
        begin = pick(DIRECT)
        text = begin.format(Place=place.capitalize(), object=thing.words, source=where, target=goal)
    else:
        bridge = pick(BRIDGES).format(place=place, target=goal)
        text = f"{pick(PICK)} the {thing.words}{where}{bridge}"
    return text + pick(ENDS)
