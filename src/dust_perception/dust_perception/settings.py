"""The perception node's parameters as one checked value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from dust_model.devices import chosen


@dataclass(frozen=True, slots=True)
class Settings:
    """Values of the node's parameters; names, units and ranges as in `parameters`."""

    checkpoint: str
    views: list[str]
    topics: list[str]
    frame_ids: list[str]
    transport: str
    image_reliability: str
    image_reader: str
    rate: float
    max_age: float
    max_skew: float
    max_ahead: float
    frozen_images: int
    frozen_travel: float
    device: str
    dtype: str
    feature_dtype: str
    threads: int
    share: float

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Pick the settings out of the node's parameter values.

        Raises:
            ValueError: The values do not fit each other.
        """
        own = {field.name: values[field.name] for field in fields(cls)}
        settings = cls(**{**own, "device": chosen(own["device"])})
        settings._check()
        return settings

    def topic_by_view(self, checkpoint_views: Sequence[str]) -> dict[str, str]:
        """Return each view's topic in the order in which the checkpoint sees the views.

        Raises:
            ValueError: The views differ from the checkpoint's.
        """
        known = ", ".join(checkpoint_views)
        for view in self.views:
            if view not in checkpoint_views:
                raise ValueError(
                    f"view '{view}' is not among the checkpoint's views {known}: "
                    "correct the parameter 'views'"
                )
        by_view = dict(zip(self.views, self.topics, strict=True))
        for view in checkpoint_views:
            if view not in by_view:
                raise ValueError(
                    f"the checkpoint needs view '{view}', but the parameter 'views' has only "
                    f"{', '.join(self.views)}: add it and its topic"
                )
        suffix = "/compressed" if self.transport == "compressed" else ""
        return {view: by_view[view] + suffix for view in checkpoint_views}

    def frame_by_view(self) -> dict[str, str]:
        """Return the frame that each view's images must name; empty: any."""
        return dict(zip(self.views, self.frame_ids, strict=True))

    def _check(self) -> None:
        if not self.checkpoint:
            raise ValueError(
                "parameter 'checkpoint' is empty: give the folder of a checkpoint "
                "(dust-init writes an untrained one)"
            )
        if len(self.views) != len(self.topics):
            raise ValueError(
                f"parameter 'topics' has {len(self.topics)} entries, but 'views' has "
                f"{len(self.views)}: each view needs one topic"
            )
        if len(self.views) != len(self.frame_ids):
            raise ValueError(
                f"parameter 'frame_ids' has {len(self.frame_ids)} entries, but 'views' has "
                f'{len(self.views)}: each view needs one, "" where any frame will do'
            )
        if len(set(self.views)) != len(self.views):
            raise ValueError(f"parameter 'views' names a view twice: {', '.join(self.views)}")
        if not all(self.topics):
            raise ValueError("parameter 'topics' has an empty entry")
