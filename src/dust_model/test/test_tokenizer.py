import pytest

from dust_model.config import N1, TINY, VisionLanguageConfig
from dust_model.tokenizer import (
    IMAGE,
    IMAGE_END,
    IMAGE_START,
    TURN_END,
    TURN_START,
    build_tokenizer,
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
