"""Installation of dust_sim."""

from setuptools import find_packages, setup

NAME = "dust_sim"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "numpy", "mujoco"],
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="The simulated cell and its scripted expert.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "cell = dust_sim.cell_node:main",
            "expert = dust_sim.expert_node:main",
        ]
    },
)
