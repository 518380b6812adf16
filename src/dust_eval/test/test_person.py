"""Tests of dust_eval.person: questions and answers, line by line."""

import io
import os

import pytest

from dust_eval.person import LeaveError, Person


def person(*lines):
    sink = io.StringIO()
    return Person(io.StringIO("".join(f"{line}\n" for line in lines)), sink), sink


def test_answers_come_in_order_without_blanks():
    someone, sink = person("  yes ", "no")
    assert [someone.ask("first?"), someone.ask("second?")] == ["yes", "no"]
    assert sink.getvalue() == "first? second? "


def test_a_choice_is_asked_for_until_it_is_one():
    someone, sink = person("x", "", "S")
    assert someone.choose("what?", {"s": "success", "f": "failure"}) == "s"
    assert sink.getvalue().count("what? (s success, f failure; q stop):") == 3
    assert "'x' is none of s, f" in sink.getvalue()


@pytest.mark.parametrize("lines", [(), ("q",), ("Q",)])
def test_leaving_is_remembered(lines):
    someone, _ = person(*lines)
    for _ in range(2):
        with pytest.raises(LeaveError):
            someone.ask("?")


def test_a_key_press_is_seen_without_waiting():
    reader, writer = os.pipe()
    with os.fdopen(reader) as source, os.fdopen(writer, "w") as keys:
        someone = Person(source, io.StringIO())
        assert not someone.pressed()
        keys.write("\nanswer\n")
        keys.flush()
        assert someone.ask("?") == ""
        assert someone.ask("?") == "answer"
        assert not someone.pressed()


def test_nobody_there_counts_as_pressed():
    someone, _ = person()
    with pytest.raises(LeaveError):
        someone.ask("?")
    assert someone.pressed()


def test_what_was_typed_before_a_question_that_is_asked_anew_is_no_answer(typist):
    someone = typist({"rearm?": ["no"]})
    someone.keys.type("", "go")
    assert someone.ask("rearm?", anew=True) == "no"


def test_other_questions_may_be_answered_ahead(typist):
    someone = typist()
    someone.keys.type("s", "a note")
    assert [someone.ask("what came of it?"), someone.ask("a note?")] == ["s", "a note"]


def test_what_is_forgotten_was_not_pressed(typist):
    someone = typist()
    someone.keys.type("", "")
    someone.forget()
    assert not someone.pressed()
    someone.keys.type("")
    assert someone.pressed()


def test_who_wants_to_stop_may_say_so_ahead(typist):
    someone = typist()
    someone.keys.type("", "q", "")
    with pytest.raises(LeaveError):
        someone.ask("rearm?", anew=True)


def test_a_pipes_answers_wait_for_their_questions():
    someone, _ = person("first", "second")
    first = someone.ask("first?", anew=True)
    someone.forget()
    assert [first, someone.ask("second?", anew=True)] == ["first", "second"]


def test_a_terminal_can_be_read_as_a_pipe(typist):
    someone = typist(at_terminal=False)
    someone.keys.type("ahead")
    assert someone.ask("?", anew=True) == "ahead"
