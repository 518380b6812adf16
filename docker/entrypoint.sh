#!/usr/bin/env bash
# Sources ROS 2, the workspace below ours if there is one, and ours; then becomes the command.
set -e
source "${DUST_UNDERLAY:-/opt/ros/jazzy}/setup.bash"
source /dust/install/setup.bash
exec "$@"
