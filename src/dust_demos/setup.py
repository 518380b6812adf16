"""Installation of dust_demos."""

from setuptools import find_packages, setup

NAME = "dust_demos"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "numpy", "PyYAML", "tqdm"],
    extras_require={
        "record": ["mcap>=1.3", "rosbags>=0.11"],
        "convert": [
            "av>=15",
            "mcap>=1.3",
            "opencv-python-headless>=4.9",
            "pyarrow>=20",
            "rosbags>=0.11",
        ],
        "inspect": [
            "av>=15",
            "matplotlib>=3.9",
            "mcap>=1.3",
            "opencv-python-headless>=4.9",
            "pyarrow>=20",
            "rosbags>=0.11",
        ],
    },
    entry_points={
        "console_scripts": [
            f"recorder = {NAME}.recording.recorder_node:main",
            f"teleop = {NAME}.teleop.teleop_node:main",
            f"keyboard = {NAME}.teleop.keyboard:main",
            f"dust-mend = {NAME}.recording.mend:main",
            f"dust-convert = {NAME}.conversion.convert:main",
            f"dust-inspect = {NAME}.inspection.inspect:main",
            f"dust-collect = {NAME}.collection.collect:main",
        ]
    },
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="Teleoperation, recording, bags to LeRobot datasets, looking at data.",
    license="Apache-2.0",
)
