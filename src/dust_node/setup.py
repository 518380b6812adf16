"""Installation of dust_node."""

from setuptools import find_packages, setup

NAME = "dust_node"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "numpy", "PyYAML"],
    zip_safe=False,
    entry_points={"console_scripts": ["dust-task = dust_node.task_command:main"]},
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="What all DUST nodes share.",
    license="Apache-2.0",
)
