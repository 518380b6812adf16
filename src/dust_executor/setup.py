"""Installation of dust_executor."""

from setuptools import find_packages, setup

NAME = "dust_executor"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "numpy", "ruckig"],
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "executor = dust_executor.executor_node:main",
            "dust-home = dust_executor.home_command:main",
        ]
    },
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="Action chunks in, joint trajectories and gripper goals out.",
    license="Apache-2.0",
)
