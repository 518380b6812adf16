"""Installation of dust_perception."""

from setuptools import find_packages, setup

NAME = "dust_perception"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "numpy", "opencv-python-headless", "torch"],
    entry_points={"console_scripts": ["perception = dust_perception.perception_node:main"]},
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="From cameras to vision-language features.",
    license="Apache-2.0",
)
