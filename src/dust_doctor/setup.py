"""Installation of dust_doctor."""

from setuptools import find_packages, setup

NAME = "dust_doctor"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    entry_points={"console_scripts": ["dust-doctor = dust_doctor.doctor:main"]},
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="A preflight: what is wrong with this machine and this graph, and how to mend it.",
    license="Apache-2.0",
)
