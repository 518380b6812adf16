"""Take demonstrations: what franka.launch.py starts, a person who drives, and the recorder.

The same arguments as franka.launch.py, with other defaults. A keyboard needs a terminal of its own:
teleop:=keyboard here, and `ros2 run dust_demos keyboard` there.
"""

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from dust_start.graph import Graph

DEFAULTS = {"teleop": "joy", "record": "demos"}
"""What differs from franka.launch.py; bags go to the folder `demos` where it is called."""


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
