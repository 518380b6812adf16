# The real-time PC: franka_ros2, trajectory controller, hand, dust_executor. No torch, no simulation.
# docker build -f docker/Dockerfile.robot -t dust-robot .        (from the repository's root)
FROM ros:jazzy-ros-base

SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive

# libfranka's version, which franka_ros2's dependency.repos names, must fit the robot's firmware.
ARG FRANKA_ROS2=jazzy

RUN apt-get update \
    && apt-get install -y --no-install-recommends git python3-colcon-common-extensions python3-pip python3-vcstool \
    && rm -rf /var/lib/apt/lists/*

# franka_ros2 in a workspace of its own: it is built once, however often DUST changes.
WORKDIR /franka
RUN git clone --depth 1 --branch "${FRANKA_ROS2}" https://github.com/frankarobotics/franka_ros2.git src/franka_ros2 \
    && vcs import src < src/franka_ros2/dependency.repos --recursive --skip-existing \
    && source /opt/ros/jazzy/setup.bash \
    && packages="$(colcon list --paths-only --packages-up-to franka_bringup franka_gripper)" \
    && apt-get update \
    && rosdep update \
    && rosdep install --from-paths ${packages} --ignore-src -y --skip-keys zed_wrapper \
    && apt-get install -y --no-install-recommends ros-jazzy-joint-trajectory-controller \
    && rm -rf /var/lib/apt/lists/* \
    && colcon build --packages-up-to franka_bringup franka_gripper \
        --cmake-args -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DBUILD_TESTS=OFF \
    && rm -rf build log

WORKDIR /dust
COPY . .
RUN pip install --break-system-packages --no-cache-dir ruckig==0.19.4 \
    && source /franka/install/setup.bash \
    && apt-get update \
    && rosdep install --from-paths . src/dust_doctor src/dust_msgs src/dust_node src/dust_executor src/dust_start --ignore-src -y \
        --skip-keys "dust_demos dust_eval dust_model dust_perception dust_policy dust_sim dust_view" \
    && rm -rf /var/lib/apt/lists/* \
    && colcon build --base-paths . src --cmake-args -DBUILD_TESTING=OFF \
    && rm -rf build log

ENV DUST_UNDERLAY=/franka/install
ENTRYPOINT ["/dust/docker/entrypoint.sh"]
CMD ["ros2", "launch", "dust_bringup", "franka.launch.py", "robot:=fr3", "machine:=robot"]
