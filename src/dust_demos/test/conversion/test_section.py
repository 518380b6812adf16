import pytest

from dust_demos.conversion.section import Section


@pytest.fixture
def section(tmp_path):
    def load(text):
        path = tmp_path / "m.yaml"
        path.write_text(text)
        return Section.load(path)

    return load


def test_values_are_read_key_by_key(section):
    part = section("a: {b: text, c: 2.5, d: [x, y], e: [2, 0]}\nunit: deg\nempty:\n")
    inner = part.section("a")
    assert inner.text("b") == "text"
    assert inner.number("c") == 2.5
    assert inner.names("d") == ("x", "y")
    assert inner.columns("e", (1,)) == (2, 0)
    inner.close()
    assert part.choice("unit", ("rad", "deg"), "rad") == "deg"
    assert part.optional("empty") is None
    assert part.number("missing", 3.0) == 3.0
    part.close()


@pytest.mark.parametrize(
    ("text", "read", "complaint"),
    [
        ("a: 1", lambda s: s.text("a"), r"m.yaml: a must be text, got 1$"),
        ("a: ' '", lambda s: s.text("a"), r"m.yaml: a must be text"),
        ("b: 1", lambda s: s.text("a"), r"m.yaml: a is missing$"),
        ("a: x", lambda s: s.number("a"), r"m.yaml: a must be a number, got 'x'$"),
        ("a: true", lambda s: s.number("a"), r"m.yaml: a must be a number, got True$"),
        ("a: .nan", lambda s: s.number("a"), r"m.yaml: a must be finite"),
        ("a: -1", lambda s: s.number("a", low=0), r"m.yaml: a must be at least 0, got -1$"),
        ("a: grad", lambda s: s.choice("a", ("rad", "deg"), "rad"), r"a must be rad or deg, got"),
        ("a: []", lambda s: s.names("a"), r"m.yaml: a must be a list, got \[\]$"),
        ("a: [1]", lambda s: s.names("a"), r"m.yaml: a must list names, got 1$"),
        ("a: [x, x]", lambda s: s.names("a"), r"m.yaml: a has an entry twice"),
        ("a: [-1]", lambda s: s.columns("a", ()), r"m.yaml: a must list places from 0 on, got -1$"),
        ("a: 3", lambda s: s.section("a"), r"m.yaml: a must be a section of keys, got 3$"),
        ("a: {b: 1}", lambda s: s.section("a").text("b"), r"m.yaml: a.b must be text, got 1$"),
        ("a: {bb: 1}", lambda s: s.section("a").close(), r"m.yaml: a.bb: unknown key"),
    ],
)
def test_complaints_name_file_and_key(section, text, read, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        read(section(text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a: [1", r"m.yaml line \d+: "),
        (b"- 1", r"must be a section of keys"),
        (b"\xff\xfe\x00", r"m.yaml is not UTF-8 text"),
    ],
)
def test_files_that_are_no_yaml(tmp_path, content, complaint):
    path = tmp_path / "m.yaml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=complaint) as caught:
        Section.load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"m.yaml can't be read: No such file"):
        Section.load(tmp_path / "m.yaml")
