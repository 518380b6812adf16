from bootstrap.stamps import Stamps, fingerprint


def test_a_recorded_stage_is_done_for_a_later_run(tmp_path):
    path = tmp_path / "stamps.json"
    Stamps(path).record("pip", "a")
    later = Stamps(path)
    assert later.done("pip", "a")
    assert not later.done("pip", "b")
    assert not later.done("build", "a")


def test_a_broken_file_means_that_nothing_is_done(tmp_path):
    path = tmp_path / "stamps.json"
    path.write_text("{not json")
    assert not Stamps(path).done("pip", "a")


def test_a_fingerprint_sees_names_and_contents(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("same")
    two.write_text("same")
    assert fingerprint(files=[one]) != fingerprint(files=[two])
    before = fingerprint("jazzy", files=[one])
    assert before == fingerprint("jazzy", files=[one])
    one.write_text("other")
    assert before != fingerprint("jazzy", files=[one])


def test_a_fingerprint_keeps_texts_apart():
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
