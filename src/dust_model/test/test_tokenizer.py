import json

import pytest
from transformers import GPT2Tokenizer

from dust_model.config import N1, TINY, VisionLanguageConfig
from dust_model.tokenizer import (
    IMAGE,
    IMAGE_END,
    IMAGE_START,
    TURN_END,
    TURN_START,
    build_tokenizer,
    read_tokenizer,
)


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(TINY.vision_language)


def test_building_twice_gives_the_same(tokenizer):
    assert tokenizer.to_str() == build_tokenizer(TINY.vision_language).to_str()


@pytest.mark.parametrize(
    "text",
    [
        "Pick up the blue cube from the brown box.",
        "  spaces\n\tand lines ",
        "Räume, 机器人 und \N{ROBOT FACE}",
        "",
    ],
)
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_words_of_the_tasks_are_short(tokenizer):
    tokens = tokenizer.encode("Pick the teddy bear from the brown box to the golden bowl").tokens
    assert len(tokens) <= 16


def test_special_tokens_have_eagles_ids():
    tokenizer = build_tokenizer(N1.vision_language)
    ids = [tokenizer.token_to_id(t) for t in (TURN_START, TURN_END, IMAGE_START, IMAGE_END, IMAGE)]
    assert ids == [1, 2, 49152, 49153, 49154]
    assert tokenizer.encode(f"a{IMAGE}b").ids.count(49154) == 1


def test_all_ids_fit_the_embedding(tokenizer):
    assert max(tokenizer.get_vocab().values()) < TINY.vision_language.vocab_size


def test_too_small_a_vocabulary_is_refused():
    with pytest.raises(ValueError, match="vocab_size=100 with image_token_id=99 leaves no room"):
        build_tokenizer(VisionLanguageConfig(vocab_size=100, image_token_id=99))


WORDS = 537
"""Ordinary tokens of the tiny tokenizer: its few sentences give no more than these."""


PLAIN = "wheelbarrow"
"""A plain word that is added, as Eagle-2 adds "assistant"; no token of its own otherwise."""


@pytest.fixture
def parts(tokenizer, tmp_path):
    """Write a tokenizer as Eagle-2's comes with GR00T-N1: vocabulary, merges, added tokens."""
    values = json.loads(tokenizer.to_str())["model"]
    vocabulary = {word: number for word, number in values["vocab"].items() if number < 1000}
    assert sorted(vocabulary.values()) == list(range(WORDS))
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    merges = "".join(f"{left} {right}\n" for left, right in values["merges"])
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + merges)
    write_added(tmp_path, {1: TURN_START, 2: TURN_END, WORDS: IMAGE, WORDS + 1: PLAIN})
    return tmp_path


def write_added(folder, tokens):
    entries = {
        str(number): {
            "content": text,
            "special": text != PLAIN,
            "normalized": text == PLAIN,
        }
        for number, text in tokens.items()
    }
    values = {"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": entries}
    (folder / "tokenizer_config.json").write_text(json.dumps(values))


def test_a_tokenizer_in_parts_is_the_same(tokenizer, parts):
    read = read_tokenizer(parts)
    for text in ("Pick up the blue cube.", "  \n R\u00e4ume", f"{TURN_START}user\n"):
        assert read.encode(text).ids == tokenizer.encode(text).ids
    assert read.encode(f"a{IMAGE}{TURN_START}").ids[1:] == [WORDS, 1]


def test_eagles_plain_added_word_is_one_token(tokenizer, parts):
    read = read_tokenizer(parts)
    assert read.encode(f"{TURN_START}{PLAIN}\n").ids[:2] == [1, WORDS + 1]
    assert WORDS + 1 not in tokenizer.encode(PLAIN).ids


def test_it_encodes_as_transformers_does(parts):
    reference = GPT2Tokenizer.from_pretrained(parts)
    read = read_tokenizer(parts)
    for text in ("Pick the bowl's lid, 42 times!", f"{TURN_START}{PLAIN}\nGo{TURN_END}{IMAGE}"):
        assert read.encode(text).ids == reference(text)["input_ids"]


def test_an_added_token_elsewhere_is_refused(parts):
    write_added(parts, {WORDS: IMAGE, 1500: PLAIN})
    with pytest.raises(ValueError, match=f"'{PLAIN}' is token {WORDS + 1}, not 1500"):
        read_tokenizer(parts)


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "tokenizer_config.json"])
def test_a_missing_part_is_one_clear_line(parts, name):
    (parts / name).unlink()
    with pytest.raises(ValueError, match=f"cannot read the tokenizer {parts}") as error:
        read_tokenizer(parts)
    assert "\n" not in str(error.value)
