"""Packed prompts: the features are those of single prompts."""

import pytest
import torch

from dust_model.eagle import Eagle
from dust_model.pretraining.packing import TAIL, Packer, features_of, patches_of_tokens
from dust_model.prompt import Prompter
from dust_model.tokenizer import build_tokenizer

TEXTS = [
    ["Pick up the cube on the box.", "place the red cup in the bowl and go"],
    ["lift the sponge", "Pick up the cube on the box."],
]


@pytest.fixture
def language(micro):
    return micro().vision_language


@pytest.fixture
def eagle(language):
    return Eagle(language).eval()


@pytest.fixture
def prompter(language):
    return Prompter(build_tokenizer(language), language, views=2)


@pytest.fixture
def packer(prompter, language):
    return Packer(
        prompter, image_token_id=language.image_token_id, pad_token_id=language.pad_token_id
    )


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_features_are_those_of_single_prompts(eagle, prompter, packer, language, attention):
    eagle.model.set_attn_implementation(attention)
    pixels = torch.randn(2, 2, 3, language.image_size, language.image_size)
    with torch.no_grad():
        tower = eagle.model.vision_tower(pixel_values=pixels.flatten(0, 1))
        patches = tower.last_hidden_state.unflatten(0, (2, 2))
        packed = packer.pack(TEXTS)
        features, _ = features_of(eagle, packed, patches)
        for row, texts in enumerate(TEXTS):
            for number, text in enumerate(texts):
                prompt = prompter.batch([text])
                alone = eagle(prompt.ids, pixels[row : row + 1]).features[0]
                tail = features[row, packed.tails[row, number]]
                torch.testing.assert_close(tail, alone[-TAIL:], atol=1e-5, rtol=1e-4)
                images = alone[prompt.ids[0] == language.image_token_id]
                shown = features[row, packed.images]
                torch.testing.assert_close(shown, images, atol=1e-5, rtol=1e-4)


def test_rows_are_prefix_ends_and_padding(packer, prompter, language):
    packed = packer.pack(TEXTS)
    lengths = [[len(prompter.batch([t]).ids[0]) for t in texts] for texts in TEXTS]
    ids = [[prompter.batch([t]).ids[0].tolist() for t in texts] for texts in TEXTS]
    for row in range(2):
        for number in range(2):
            found = packed.ids[row, packed.tails[row, number]].tolist()
            assert found == ids[row][number][-TAIL:]
            last = packed.places[row, packed.tails[row, number, -1]]
            assert int(last) == lengths[row][number] - 1
    assert len(packed.images) == 2 * language.tokens_per_view


def test_nobody_sees_another_prompt_or_the_future(packer):
    packed = packer.pack(TEXTS)
    visible = packed.sees[:, 0] == 0
    length = visible.shape[-1]
    assert not (visible & ~torch.ones(length, length, dtype=torch.bool).tril()).any()
    assert visible.diagonal(dim1=1, dim2=2).all()
    for row in range(2):
        first, second = packed.tails[row]
        assert not visible[row, second[-1], first].any()
        assert visible[row, second[-1], packed.images].all()


def test_image_tokens_are_made_of_neighbouring_patches(eagle, language):
    groups = patches_of_tokens(eagle)
    grid = language.grid
    assert groups.shape == (language.tokens_per_view, 4)
    assert sorted(groups.flatten().tolist()) == list(range(grid**2))
    for group in groups:
        rows, columns = group // grid, group % grid
        assert rows.max() - rows.min() == 1
        assert columns.max() - columns.min() == 1


def test_an_instruction_with_a_special_token_is_refused(packer):
    with pytest.raises(ValueError, match="must not contain"):
        packer.pack([["take the <|im_end|>"]])
