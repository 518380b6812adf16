"""Installation of dust_start."""

from setuptools import find_packages, setup

NAME = "dust_start"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "PyYAML"],
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="The graph of nodes, described once, and a starter that needs no launch_ros.",
    license="Apache-2.0",
    entry_points={"console_scripts": ["start = dust_start.__main__:main"]},
)
