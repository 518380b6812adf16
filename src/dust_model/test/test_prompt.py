import pytest
import torch

from dust_model.config import TINY, VisionLanguageConfig
from dust_model.prompt import Prompter
from dust_model.tokenizer import IMAGE, build_tokenizer

CONFIG = TINY.vision_language


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(CONFIG)


def test_one_view_reads_as_in_groot(tokenizer):
    assert Prompter(tokenizer, CONFIG, views=1).text("Pick the cube.") == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<img>"
        + "<IMG_CONTEXT>" * 16
        + "</img>\nPick the cube.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_views_are_numbered_from_one(tokenizer):
    image = "<img>" + "<IMG_CONTEXT>" * 16 + "</img>\n"
    text = Prompter(tokenizer, CONFIG, views=2).text("Go.")
    assert f"user\n<image 1>{image}<image 2>{image}Go.<|im_end|>" in text


def test_padding_is_on_the_left(tokenizer):
    prompter = Prompter(tokenizer, CONFIG, views=2)
    batch = prompter.batch(["Go.", "Pick the blue cube from the brown box."])
    short = prompter.batch(["Go."])
    length = short.ids.shape[1]
    padding = batch.ids.shape[1] - length
    assert padding > 0
    assert batch.ids[0, :padding].tolist() == [CONFIG.pad_token_id] * padding
    assert batch.mask[0].tolist() == [False] * padding + [True] * length
    assert batch.mask[1].all()
    torch.testing.assert_close(batch.ids[0, padding:], short.ids[0])


def test_as_many_image_tokens_as_features(tokenizer):
    batch = Prompter(tokenizer, CONFIG, views=3).batch(["Go.", "Stop."])
    assert (batch.ids == CONFIG.image_token_id).sum(1).tolist() == [48, 48]


@pytest.mark.parametrize("token", [IMAGE, "<|im_end|>", "<img>"])
def test_an_instruction_can_not_smuggle_special_tokens(tokenizer, token):
    with pytest.raises(ValueError, match="the instruction must not contain"):
        Prompter(tokenizer, CONFIG, views=1).text(f"Pick {token} the cube")


def test_tokenizer_and_model_must_agree(tokenizer):
    other = VisionLanguageConfig(vocab_size=2000, image_token_id=1999)
    with pytest.raises(
        ValueError, match="the tokenizer has <IMG_CONTEXT> at 1022, the model at 1999"
    ):
        Prompter(tokenizer, other, views=1)
