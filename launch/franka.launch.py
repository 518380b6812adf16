"""Start DUST with the simulated cell or with a Franka Research 3 and two ZED cameras.

Nodes, parameter files, remappings and arguments stand in config/cell.yaml, which `python -m
dust_start` reads as well.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.events import Shutdown as ShutdownEvent
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from dust_start.arguments import Argument
from dust_start.conditions import Scalar
from dust_start.controllers import controller, controllers_file
from dust_start.dds import profile_variables
from dust_start.graph import Graph, NodeSpec


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments of config/cell.yaml, and start what they ask for."""
    graph = Graph.load()
    declared = [_declare(argument) for argument in graph.arguments.values()]
    return LaunchDescription([*declared, OpaqueFunction(function=_start, args=[graph])])


def _declare(argument: Argument) -> DeclareLaunchArgument:
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def _start(context: LaunchContext, graph: Graph) -> list[LaunchDescriptionEntity]:
    given = {name: LaunchConfiguration(name).perform(context) for name in graph.arguments}
    values = graph.values(given)
    specs = graph.nodes(values)
    graph.check_installed([spec.package for spec in specs])
    return [
        *_dds_profile(context, graph.dds_profile(values)),
        *(_hardware(graph, values) if values["robot"] == "fr3" else []),
        *(_node(spec) for spec in specs),
    ]


def _dds_profile(context: LaunchContext, profile: Path | None) -> list[SetEnvironmentVariable]:
    variables = profile_variables(profile, context.environment)
    return [SetEnvironmentVariable(name, text) for name, text in variables.items()]


def _node(spec: NodeSpec) -> Node:
    files = [str(path) for path in spec.parameter_files]
    # A text given as it is would be read as YAML, and `off` become a boolean.
    typed = {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in spec.parameters.items()
    }
    return Node(
        package=spec.package,
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[*files, *([typed] if typed else [])],
        remappings=list(spec.remappings),
        arguments=list(spec.arguments),
        output="screen",
        emulate_tty=True,
        on_exit=_end_all if spec.required else None,
    )


def _end_all(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """End the graph with one node; an error makes `ros2 launch` return a non-zero exit code."""
    if context.is_shutdown:
        return []
    ended = f"{event.process_name} has ended with exit code {event.returncode}"
    if event.returncode != 0:
        raise RuntimeError(ended)
    return [EmitEvent(event=ShutdownEvent(reason=ended))]


def _hardware(graph: Graph, values: dict[str, Scalar]) -> list[LaunchDescriptionEntity]:
    actions: list[LaunchDescriptionEntity] = []
    packages: list[str] = []
    if values["machine"] in ("all", "robot"):
        actions += _arm(graph, values)
        packages += ["franka_bringup", "franka_gripper", "controller_manager"]
        packages += [controller(values).package]
    if values["machine"] in ("all", "gpu") and values["cameras"]:
        actions += [_camera(graph, values, view) for view in ("wrist", "side")]
        packages += ["zed_wrapper"]
    graph.check_installed(packages)
    return actions


def _arm(graph: Graph, values: dict[str, Scalar]) -> list[LaunchDescriptionEntity]:
    driver = _include(
        graph,
        "franka_bringup",
        "franka.launch.py",
        robot_type="fr3",
        robot_ip=values["robot_ip"],
        namespace=values["namespace"],
        load_gripper="true",
        use_fake_hardware=str(values["use_fake_hardware"]).lower(),
        controllers_yaml=controllers_file(graph.share, values),
    )
    follower = Node(
        package="controller_manager",
        executable="spawner",
        namespace=str(values["namespace"]),
        arguments=[controller(values).name, "--controller-manager-timeout", "60"],  # s
        output="screen",
    )
    return [driver, follower]


def _camera(graph: Graph, values: dict[str, Scalar], view: str) -> LaunchDescriptionEntity:
    name = f"zed_{view}"
    namespace = values["namespace"]
    return _include(
        graph,
        "zed_wrapper",
        "zed_camera.launch.py",
        camera_model=values["camera_model"],
        camera_name=name,
        namespace=f"{namespace}/{name}" if namespace else "",
        serial_number=values[f"{view}_serial"],
        publish_tf="false",
        publish_map_tf="false",
        ros_params_override_path=f"{graph.share}/config/zed.yaml",
    )


def _include(
    graph: Graph, package: str, file: str, **arguments: Scalar | Path
) -> LaunchDescriptionEntity:
    """Include a package's launch file; our own arguments do not leak into it."""
    source = PythonLaunchDescriptionSource([FindPackageShare(package), f"/launch/{file}"])
    texts = {name: str(value) for name, value in arguments.items()}
    return GroupAction(
        [IncludeLaunchDescription(source, launch_arguments=texts.items())], forwarding=False
    )
