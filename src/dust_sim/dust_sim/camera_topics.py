"""The cameras' side of the ZED wrapper: rectified images, intrinsics, JPEG on demand."""

from typing import Any

import mujoco
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dust_node.qos import RELIABLE
from dust_sim.camera_feed import CameraFeed, FeedHooks, Snapshot
from dust_sim.camera_feed import Image as Picture
from dust_sim.cameras import Intrinsics, Renderer, intrinsics
from dust_sim.faults import Fault
from dust_sim.messages import to_camera_info, to_image, to_time
from dust_sim.placement import Placement
from dust_sim.scene import CAMERAS
from dust_sim.schedule import Schedule
from dust_sim.simulation import Simulation
from dust_sim.variation import Variation

try:
    import cv2
except ImportError:
    cv2 = None  # type: ignore[assignment]


class _Camera:
    """Publishers of one camera. Topics as from zed_wrapper 5.1 with camera_name zed_<name>."""

    def __init__(self, node: Any, name: str) -> None:
        self._node = node
        self.frame_id = f"zed_{name}_left_camera_frame_optical"
        self._quality = node.values["jpeg_quality"]
        base = f"zed_{name}/zed_node/rgb/color/rect"
        self._image = node.create_publisher(Image, f"{base}/image", RELIABLE)
        self._info = node.create_publisher(CameraInfo, f"{base}/camera_info", RELIABLE)
        self._jpeg = node.create_publisher(CompressedImage, f"{base}/image/compressed", RELIABLE)

    @property
    def publishers(self) -> tuple[Publisher, ...]:
        return self._image, self._info, self._jpeg

    @property
    def is_watched(self) -> bool:
        return any(publisher.get_subscription_count() > 0 for publisher in self.publishers)

    def publish(self, stamp_ns: int, picture: Picture, lens: Intrinsics, frame_id: str) -> None:
        self._info.publish(to_camera_info(stamp_ns, frame_id, lens))
        if self._image.get_subscription_count() > 0:
            self._image.publish(to_image(stamp_ns, frame_id, picture))
        if cv2 is not None and self._jpeg.get_subscription_count() > 0:
            self._jpeg.publish(self._compress(stamp_ns, picture, frame_id))

    def _compress(self, stamp_ns: int, picture: Picture, frame_id: str) -> CompressedImage:
        message = CompressedImage(format="bgra8; jpeg compressed bgr8")
        message.header.stamp = to_time(stamp_ns)
        message.header.frame_id = frame_id
        parameters = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        # A slice of the channels would be encoded at half the speed.
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR), parameters)
        message.data = data.tobytes()
        return message


class _Looks:
    """The look of every trial; remembers the last one."""

    def __init__(self, strength: float) -> None:
        self._strength = strength
        self._placement: Placement | None = None
        self._look = Variation()

    def of(self, placement: Placement) -> Variation:
        if placement is not self._placement:
            self._look = Variation.of(placement, self._strength)
            self._placement = placement
        return self._look


class _Painter:
    """Draws every snapshot with the look of its trial."""

    def __init__(self, renderer: Renderer, looks: _Looks) -> None:
        self._renderer = renderer
        self._looks = looks
        self.close = renderer.close

    def render(self, snapshot: Snapshot, camera: str) -> Picture:
        self._renderer.wear(self._looks.of(snapshot.placement))
        return self._renderer.render(snapshot.qpos, camera)


class CameraTopics:
    """Renders and publishes both cameras while somebody subscribes.

    Where looks vary, they are drawn anew at each reset, from the trial's seed.

    Args:
        node: Node that owns the topics; has checked parameter values in `values`.
        simulation: The cell.
        model: Compiled model of the cell.
        on_error: Called in the render thread with what ended it.

    Raises:
        ValueError: Rendering does not work on this machine; the message says what to install.
    """

    def __init__(
        self, node: Any, simulation: Simulation, model: mujoco.MjModel, on_error: Any
    ) -> None:
        self._node = node
        self._simulation = simulation
        self._schedule = Schedule(node.values["camera_rate"])
        self._model = model
        self._size = {"width": node.values["width"], "height": node.values["height"]}
        shadows = node.values["shadows"]
        self._looks = _Looks(node.values["variation"])
        self._cameras = {name: _Camera(node, name) for name in CAMERAS}
        self._frozen: dict[str, Picture] = {}
        self._feed = CameraFeed(
            lambda: _Painter(Renderer(model, shadows=shadows, **self._size), self._looks),
            CAMERAS,
            FeedHooks(
                publish=self._publish,
                is_wanted=self._is_wanted,
                delay=simulation.camera_delay,
                now_ns=lambda: simulation.now_ns,
                on_error=on_error,
            ),
            is_patient=node.values["publish_clock"],
        )
        self._feed.open()
        if cv2 is None:
            node.get_logger().info("OpenCV is not installed: image/compressed stays silent")

    @property
    def left_out(self) -> int:
        """How many snapshots were not rendered because rendering is too slow."""
        return self._feed.left_out

    def publish(self) -> None:
        """Hand in a snapshot when one is due. Called after every block, in the physics thread."""
        if self._schedule.due(self._simulation.now_ns):
            self._feed.submit(Snapshot(*self._simulation.snapshot()))

    def forget(self) -> None:
        """Drop images that were not published yet."""
        self._feed.forget()

    def close(self) -> None:
        """End the render thread and release the topics."""
        self._feed.close()
        for camera in self._cameras.values():
            for publisher in camera.publishers:
                self._node.destroy_publisher(publisher)

    def _is_wanted(self, camera: str) -> bool:
        broken = self._simulation.is_broken(Fault.CAMERA_STOP, camera)
        return not broken and self._outlet(camera).is_watched

    def _outlet(self, camera: str) -> _Camera:
        """Return whose topics a camera's images leave by: another's when they are swapped."""
        is_swapped = self._simulation.is_broken(Fault.CAMERA_SWAP)
        names = CAMERAS[::-1] if is_swapped else CAMERAS
        return self._cameras[names[CAMERAS.index(camera)]]

    def _seen(self, camera: str, picture: Picture) -> Picture:
        """Return what a camera shows: what it sees, or what it saw when it froze."""
        if self._simulation.is_broken(Fault.CAMERA_FREEZE, camera):
            return self._frozen.setdefault(camera, picture)
        self._frozen.pop(camera, None)
        return picture

    def _publish(self, camera: str, snapshot: Snapshot, picture: Picture) -> None:
        look = self._looks.of(snapshot.placement)
        lens = intrinsics(self._model, camera, variation=look, **self._size)
        seen, frame_id = self._seen(camera, picture), self._cameras[camera].frame_id
        self._outlet(camera).publish(snapshot.stamp_ns, seen, lens, frame_id)
        self._node.monitor.tick(f"{camera} images")
