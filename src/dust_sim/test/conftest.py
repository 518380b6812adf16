import pytest


@pytest.fixture(scope="module")
def graph(ros_domain, tmp_path_factory):
    """A ROS graph: programs that the tests of the module start, and a node to talk to them."""
    pytest.importorskip("rclpy", reason="needs ROS 2")
    from support.graph import Graph

    graph = Graph(ros_domain, logs=tmp_path_factory.mktemp("logs"))
    yield graph
    graph.close()
