import pytest

from dust_start.errors import StartError
from dust_start.sections import check_sections, matches


@pytest.mark.parametrize(
    ("pattern", "name", "met"),
    [
        ("dust_sim", "/dust_sim", True),
        ("dust_sim", "/lab/dust_sim", False),
        ("/lab/dust_sim", "/lab/dust_sim", True),
        ("/**/dust_sim", "/dust_sim", True),
        ("/**/dust_sim", "/lab/left/dust_sim", True),
        ("/**", "/lab/dust_sim", True),
        ("/*/dust_sim", "/lab/dust_sim", True),
        ("/*/dust_sim", "/dust_sim", False),
        ("/**/dust_sim", "/lab/dust_simulator", False),
    ],
)
def test_patterns_match_as_in_rcl(pattern, name, met):
    assert matches(pattern, name) is met


def write(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("key", ["/**/dust_sim", "/**", "/lab/dust_sim"])
def test_sections_that_reach_the_node_pass(tmp_path, key):
    path = write(tmp_path, f"{key}: {{ros__parameters: {{a: 1}}}}\n")
    assert check_sections(path, ["/lab/dust_sim"], every=True) is None


def test_nested_namespaces_pass(tmp_path):
    path = write(tmp_path, "/**: {dust_sim: {ros__parameters: {a: 1}}}\n")
    assert check_sections(path, ["/lab/dust_sim"], every=True) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "dust_sim: {ros__parameters: {}}\n",
            r"section '/dust_sim' does not reach /lab/dust_sim; write '/\*\*/dust_sim:'",
        ),
        (
            "dust_sin: {ros__parameters: {}}\n",
            r"names no node of the graph; did you mean dust_sim?",
        ),
        ("camera: {ros__parameters: {}}\n", r"names no node of the graph; nodes are dust_sim"),
        ("a: [1,\n", r"line 2: not valid YAML"),
        ("just text\n", r"must map node names to ros__parameters"),
    ],
)
def test_what_reaches_no_node_is_told(tmp_path, text, said):
    with pytest.raises(StartError, match=said) as caught:
        check_sections(write(tmp_path, text), ["/lab/dust_sim"], every=True)
    assert "\n" not in str(caught.value)


def test_one_matching_section_is_enough_for_a_nodes_own_file(tmp_path):
    path = write(tmp_path, "a: {ros__parameters: {}}\n/**/dust_sim: {ros__parameters: {}}\n")
    assert check_sections(path, ["/dust_sim"], every=False) is None
    with pytest.raises(StartError):
        check_sections(path, ["/dust_sim"], every=True)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(StartError, match="No such file"):
        check_sections(tmp_path / "gone.yaml", ["/dust_sim"], every=True)
