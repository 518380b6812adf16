"""Installation of dust_eval."""

from setuptools import find_packages, setup

NAME = "dust_eval"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=[
        "setuptools",
        "matplotlib",
        "numpy",
        "opencv-python-headless",
        "PyYAML",
        "tqdm",
    ],
    entry_points={
        "console_scripts": [
            "demo = dust_eval.demo:main",
            "dust-check = dust_eval.offline.check:main",
            "dust-eval = dust_eval.evaluate:main",
            "dust-publish = dust_eval.publish:main",
        ]
    },
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="The paper's protocol through the running graph, offline checks, the demo.",
    license="Apache-2.0",
)
