import huggingface_hub
import pytest

from dust_model.hub import find_folder


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Replace the hub by one that has `somebody/dust`; return the questions it was asked."""
    questions = []

    def snapshot_download(repo_id, **options):
        questions.append((repo_id, options))
        if repo_id != "somebody/dust":
            raise huggingface_hub.errors.LocalEntryNotFoundError("no such thing\nsecond line")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return questions


def test_a_folder_is_taken_as_it_is(asked, tmp_path):
    assert find_folder(tmp_path, files=("a",)) == tmp_path
    assert asked == []


@pytest.mark.parametrize("name", ["none", "/somewhere/else", "./a/b", "a/b/c", "../x"])
def test_what_is_no_repository_name_is_a_path(asked, name):
    assert str(find_folder(name, files=("a",))) == name.removeprefix("./")
    assert asked == []


def test_the_hub_is_asked_for_these_files_only(asked, tmp_path):
    files = ("config.json", "head.safetensors")
    assert find_folder("somebody/dust", files=files, revision="v1") == tmp_path
    assert asked == [("somebody/dust", {"revision": "v1", "allow_patterns": list(files)})]


def test_a_folder_of_that_name_comes_first(asked, tmp_path, monkeypatch):
    (tmp_path / "somebody" / "dust").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert str(find_folder("somebody/dust", files=())) == "somebody/dust"
    assert asked == []


def test_what_the_hub_does_not_give_is_one_clear_line(asked):
    expected = "nobody/dust is no folder, and the hub does not give it: no such thing"
    with pytest.raises(ValueError, match=expected) as error:
        find_folder("nobody/dust", files=())
    assert "\n" not in str(error.value)
