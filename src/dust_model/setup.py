"""Installation of dust_model, by colcon or by a plain `pip install src/dust_model` without ROS."""

from setuptools import find_packages, setup

NAME = "dust_model"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    python_requires=">=3.11",
    # transformers: the composition of InternVL out of SigLIP and Llama is tested with this series.
    install_requires=[
        "huggingface-hub>=1",
        "numpy>=1.26",
        "safetensors>=0.5",
        "tokenizers>=0.21",
        "torch>=2.5",
        "transformers>=5.23,<6",
    ],
    extras_require={
        "data": ["av>=15", "pyarrow>=20"],
        "train": [
            "PyYAML>=6",
            "accelerate>=1.15,<2",
            "av>=15",
            "pyarrow>=20",
            "tensorboard>=2.21",
            "tqdm>=4.67",
        ],
        "pretrain": ["opencv-python-headless>=4.9"],
    },
    entry_points={
        "console_scripts": [
            f"dust-init = {NAME}.init:main",
            f"dust-pretrain = {NAME}.pretraining.pretrain:main",
            f"dust-stats = {NAME}.data.stats:main",
            f"dust-train = {NAME}.train:main",
        ]
    },
    zip_safe=False,
    maintainer="DUST for ROS 2 maintainers",
    maintainer_email="maintainers@dust-ros2.invalid",
    description="Eagle-2, DUST, sampling and checkpoints. PyTorch, no ROS.",
    license="Apache-2.0",
)
