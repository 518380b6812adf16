"""Installation of dust_view."""

from setuptools import find_packages, setup

NAME = "dust_view"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "numpy", "tqdm"],
    extras_require={
        "plot": ["matplotlib>=3.9", "mcap>=1.3", "rosbags>=0.11"],
        "rehearse": ["mcap>=1.3", "opencv-python-headless>=4.9", "rosbags>=0.11"],
    },
    entry_points={
        "console_scripts": [
            f"view = {NAME}.view_node:main",
            f"rehearse = {NAME}.rehearsal.rehearse_node:main",
            f"dust-plot = {NAME}.plot:main",
            f"dust-rehearse = {NAME}.rehearse:main",
        ]
    },
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="Latency ledger, markers, plots of recorded motion, rehearsal on a bag.",
    license="Apache-2.0",
)
