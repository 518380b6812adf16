import pytest

from dust_start import arguments
from dust_start.arguments import Argument, Kind
from dust_start.errors import StartError

ROBOT = Argument("robot", "the arm", "sim", choices=("sim", "fr3"))
STEPS = Argument("action_steps", "N_A", kind=Kind.INTEGER)
RVIZ = Argument("rviz", "RViz", "false", Kind.BOOLEAN)
PACE = Argument("pace", "pace", "1.0", Kind.NUMBER)
OUTCOME = Argument("outcome", "who judges", choices=("", "operator", "oracle"))
KNOWN = {argument.name: argument for argument in (ROBOT, STEPS, RVIZ, PACE)}


def test_defaults_and_given_values_are_typed():
    values = arguments.parse({"action_steps": "8"}, KNOWN)
    assert values == {"robot": "sim", "action_steps": 8, "rviz": False, "pace": 1.0}
    assert arguments.parse({"pace": "2"}, KNOWN)["pace"] == 2.0


def test_an_empty_text_stays_empty_for_every_kind():
    assert arguments.parse({"action_steps": ""}, KNOWN)["action_steps"] == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"robot": "fr33"}, "robot:=fr33: must be one of sim, fr3; did you mean fr3?"),
        ({"action_steps": "four"}, "action_steps:=four: must be a whole number"),
        ({"rviz": "yes"}, "rviz:=yes: must be true or false"),
        ({"pace": "fast"}, "pace:=fast: must be a number"),
        ({"pace": "inf"}, "pace:=inf: must be a number"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(given, said):
    with pytest.raises(StartError) as caught:
        arguments.parse(given, KNOWN)
    assert str(caught.value) == said


def test_an_empty_choice_is_taken_and_not_listed():
    assert OUTCOME.parse("") == ""
    with pytest.raises(StartError) as caught:
        OUTCOME.parse("nobody")
    assert str(caught.value) == "outcome:=nobody: must be one of operator, oracle"


def test_a_path_must_exist_and_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    checkpoint = Argument("checkpoint", "folder", kind=Kind.PATH)
    assert checkpoint.parse("here") == str(tmp_path / "here")
    with pytest.raises(StartError, match=r"checkpoint:=gone: .*/gone does not exist"):
        checkpoint.parse("gone")
    with pytest.raises(StartError, match=r"checkpoint:=auto: .*/auto does not exist"):
        checkpoint.parse("auto")
    assert Argument("checkpoint", "folder", "auto", kind=Kind.PATH).parse("auto") == "auto"


def test_a_folder_may_be_made_and_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    record = Argument("record", "folder", kind=Kind.FOLDER)
    assert record.parse("new/one") == str(tmp_path / "new" / "one")
    with pytest.raises(StartError, match=r"record:=file: .*/file is not a folder"):
        record.parse("file")


@pytest.mark.parametrize("text", ["", "/", "lab", "/lab", "lab/", "Lab_2/left", "_a/b1"])
def test_namespaces_that_ros_takes_pass(text):
    assert arguments.check_namespace(text) is None


@pytest.mark.parametrize(
    "text", ["a-b", "a b", "2nd", "lab/2nd", "a//b", "//a", "a//", "~", "ä", "lab\n", " lab", "a.b"]
)
def test_other_namespaces_are_told_in_one_line(text):
    with pytest.raises(StartError) as caught:
        arguments.check_namespace(text)
    assert str(caught.value).startswith(f"namespace:={text}: must be of letters, digits and _")
    assert "such as left or lab/left" in str(caught.value)


def test_words_are_split_at_the_first_sign():
    assert arguments.split(["robot:=a:=b"], KNOWN) == {"robot": "a:=b"}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("robot=sim", "'robot=sim' is not of the form name:=value"),
        ("robott:=sim", "unknown argument 'robott'; did you mean robot?; --show-args lists all"),
    ],
)
def test_a_wrong_word_is_told_in_one_line(word, said):
    with pytest.raises(StartError) as caught:
        arguments.split([word], KNOWN)
    assert str(caught.value) == said


def test_a_boolean_default_of_the_file_reads_like_the_command_line():
    declared = arguments.declare(
        {"rviz": {"kind": "boolean", "default": False, "description": "RViz"}}
    )
    assert declared["rviz"].default == "false"
    assert declared["rviz"].parse("True") is True


def test_the_table_names_each_argument_with_default_and_choices():
    table = arguments.describe({**KNOWN, "outcome": OUTCOME})
    assert "robot:=sim  (sim|fr3)" in table
    assert "action_steps:=...  (integer)" in table
    assert "outcome:=...  (operator|oracle)" in table
