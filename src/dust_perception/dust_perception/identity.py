"""Which camera an image is from, by the frame that its header names."""


def wrong_camera(view: str, frame_id: str, expected: str) -> str:
    """Return why an image is not the view's; empty when it is, or when that cannot be told.

    Args:
        view: The view whose topic the image came on.
        frame_id: Frame in the image's header; empty: the camera does not say.
        expected: Frame of the view's camera; empty: any.
    """
    if not expected or not frame_id or frame_id == expected:
        return ""
    return (
        f"view {view}: images come from frame '{frame_id}' instead of '{expected}': are cameras "
        "swapped? (parameter frame_ids)"
    )
