"""Rehearse a policy: a recorded episode through the real perception, policy and executor.

ros2 launch dust_bringup rehearse.launch.py bag:=demos/episode checkpoint:=runs/one report:=out

The same arguments as franka.launch.py. It ends by itself; an exit code other than 0: limits or
seams were not kept, the executor stopped for cause, or no chunk was accepted.
"""

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from dust_start.graph import Graph

DEFAULTS = {"robot": "bag"}
"""What differs from franka.launch.py."""


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments of config/cell.yaml, and hand them on."""
    graph = Graph.load()
    declared = [
        DeclareLaunchArgument(
            argument.name,
            default_value=DEFAULTS.get(argument.name, argument.default),
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for argument in graph.arguments.values()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_include, args=[graph])])


def _include(context: LaunchContext, graph: Graph) -> list[LaunchDescriptionEntity]:
    given = {name: LaunchConfiguration(name).perform(context) for name in graph.arguments}
    source = PythonLaunchDescriptionSource(str(graph.share / "launch" / "franka.launch.py"))
    return [IncludeLaunchDescription(source, launch_arguments=given.items())]
