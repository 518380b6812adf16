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
from dust_sim.scene import CAMERAS
from dust_sim.schedule import Schedule
from dust_sim.simulation import Simulation

try:
    import cv2
except ImportError:
    cv2 = None  # type: ignore[assignment]


class _Camera:
    """Publishers of one camera. Topics as from zed_wrapper 5.1 with camera_name zed_<name>."""

    def __init__(self, node: Any, name: str, lens: Intrinsics) -> None:
        self._node = node
        self._lens = lens
        self._frame_id = f"zed_{name}_left_camera_frame_optical"
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

    def publish(self, stamp_ns: int, picture: Picture) -> None:
        self._info.publish(to_camera_info(stamp_ns, self._frame_id, self._lens))
        if self._image.get_subscription_count() > 0:
            self._image.publish(to_image(stamp_ns, self._frame_id, picture))
        if cv2 is not None and self._jpeg.get_subscription_count() > 0:
            self._jpeg.publish(self._compress(stamp_ns, picture))

    def _compress(self, stamp_ns: int, picture: Picture) -> CompressedImage:
        message = CompressedImage(format="bgra8; jpeg compressed bgr8")
        message.header.stamp = to_time(stamp_ns)
        message.header.frame_id = self._frame_id
        parameters = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        _, data = cv2.imencode(".jpg", picture[..., :3], parameters)
        message.data = data.tobytes()
        return message


class CameraTopics:
    """Renders and publishes both cameras while somebody subscribes.

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
        size = {"width": node.values["width"], "height": node.values["height"]}
        shadows = node.values["shadows"]
        self._cameras = {
            name: _Camera(node, name, intrinsics(model, name, **size)) for name in CAMERAS
        }
        self._feed = CameraFeed(
            lambda: Renderer(model, shadows=shadows, **size),
            CAMERAS,
            FeedHooks(
                publish=self._publish,
                is_wanted=self._is_wanted,
                delay=simulation.camera_delay,
                now_ns=lambda: simulation.now_ns,
                on_error=on_error,
            ),
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
        return not broken and self._cameras[camera].is_watched

    def _publish(self, camera: str, stamp_ns: int, picture: Picture) -> None:
        self._cameras[camera].publish(stamp_ns, picture)
        self._node.monitor.tick(f"{camera} images")
