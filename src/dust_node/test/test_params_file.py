"""Tests of dust_node.params_file: each mistake is one line that names file and place."""

import pytest

from dust_node.errors import UserError
from dust_node.params_file import check_params_files


def check(path):
    check_params_files(["prog", "--ros-args", "--params-file", str(path)])


@pytest.mark.parametrize(
    "text",
    [
        "dust_policy:\n  ros__parameters:\n    action_steps: 4\n",
        "/**:\n  ros__parameters: {rate: 1.0}\n",
        "lab:\n  dust_policy:\n    ros__parameters: {rate: 1.0}\n",
        "lab:\n  one:\n    ros__parameters: {}\n  two:\n    ros__parameters: {rate: 1.0}\n",
        "a:\n  b:\n    one:\n      ros__parameters: {}\n  two:\n    ros__parameters: {}\n",
    ],
)
def test_good_files_pass(tmp_path, text):
    path = tmp_path / "good.yaml"
    path.write_text(text)
    check(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"dust_policy:\n  ros__parameters:\n  a: [1,\n", "line 4, column 1"),
        (b"dust_policy:\n\tros__parameters: {}\n", "line 2"),
        (
            b"dust_policy:\n  action_steps: 4\n",
            "section 'dust_policy' must hold 'ros__parameters:'",
        ),
        (b"action_steps: 4\n", "section 'action_steps'"),
        (b"lab: {one: {ros__parameters: {}}, two: {rate: 1}}\n", "section 'lab/two'"),
        (b"lab: {one: {ros__parameters: {}}, rate: 1}\n", "section 'lab/rate'"),
        (b"lab: {one: {ros__parameters: 3}}\n", "section 'lab'"),
        (b"lab: {}\n", "section 'lab'"),
        (b"", "must map node names"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
    ],
)
def test_each_mistake_is_one_line(tmp_path, content, words):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        check(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yaml cannot be read"):
        check(tmp_path / "nowhere.yaml")
