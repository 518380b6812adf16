# Source this to work in the workspace without ROS 2 from apt: source scripts/env.sh
# (bash and zsh; DISTRO=kilted beforehand for that venv)
eval "$(python3 "$(dirname "${BASH_SOURCE[0]:-$0}")/run.py")"
