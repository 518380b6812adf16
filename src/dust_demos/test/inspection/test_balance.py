from dust_demos.inspection.balance import check_balance
from dust_demos.inspection.finding import Kind, Level


def test_even_data_pass(make_episode, collect):
    tasks = ("Pick up the cube.", "Wipe the table.")
    data = collect(*(make_episode(str(i), instruction=tasks[i % 2]) for i in range(8)))
    assert list(check_balance(data)) == []


def test_one_instruction_in_two_spellings(make_episode, collect):
    tasks = ("Pick up the cube.", "pick up  the cube")
    (found,) = check_balance(
        collect(*(make_episode(str(i), instruction=tasks[i % 2]) for i in range(4)))
    )
    assert (found.level, found.kind) == (Level.WARNING, Kind.INSTRUCTION)
    assert "is written in 2 ways: “Pick up the cube.” and “pick up  the cube”" in found.text


def test_a_rare_instruction_is_a_note_and_none_a_warning(make_episode, collect):
    episodes = [make_episode(str(i)) for i in range(8)]
    (found,) = check_balance(collect(*episodes, make_episode("8", instruction="Wipe.")))
    assert found.level is Level.NOTE
    assert "has 1 episodes, the most frequent one 8: “Wipe.”" in found.text
    found, _ = check_balance(collect(*episodes, make_episode("8", instruction=" ")))
    assert (found.level, found.episode) == (Level.WARNING, "8")


def test_lengths_are_compared_within_an_instruction(make_episode, collect):
    episodes = [make_episode(str(i), length=60) for i in range(6)]
    short = make_episode("6", length=15)
    (found,) = check_balance(collect(*episodes, short))
    assert (found.kind, found.episode) == (Kind.LENGTH, "6")
    assert found.text == "it lasts 0.9 s, others of its instruction 3.9 s"
    other = make_episode("6", length=15, instruction="Wipe.")
    assert Kind.LENGTH not in {row.kind for row in check_balance(collect(*episodes, other))}
