# Source this to work in the workspace: source scripts/env.sh. Without ROS 2 from apt it brings ROS and the workspace; after
# install/setup.bash it brings the commands dust-... alone, which ROS keeps off the PATH.
# (bash and zsh; DISTRO=kilted beforehand for that venv)
eval "$(python3 "$(dirname "${BASH_SOURCE[0]:-$0}")/run.py")"
