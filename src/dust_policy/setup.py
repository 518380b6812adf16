"""Installation of dust_policy."""

from setuptools import find_packages, setup

NAME = "dust_policy"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools", "numpy", "torch"],
    extras_require={"calibrate": ["rosbags>=0.11"]},
    entry_points={
        "console_scripts": [
            "policy = dust_policy.policy_node:main",
            "dust-calibrate-surprise = dust_policy.calibrate_surprise:main",
        ]
    },
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="From features and joint states to action chunks.",
    license="Apache-2.0",
)
