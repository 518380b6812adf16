import numpy as np
import pytest
import torch


@pytest.fixture(scope="module")
def backbone(tiny):
    return tiny.backbone()


@pytest.fixture(scope="module")
def pixels(backbone):
    image = np.random.default_rng(0).integers(0, 256, (2, 360, 640, 4), dtype=np.uint8)
    resized = [backbone.transform.resize(view)[..., 2::-1] for view in image]
    return torch.stack([backbone.transform.normalise(view) for view in resized])


def test_shapes(backbone, pixels):
    features, mask, embedding = backbone.encode(pixels, "Pick the blue cube.")
    assert features.shape == (mask.shape[0], 192)
    assert mask.dtype == torch.bool
    assert mask.all()
    assert embedding.shape == (16, 192)
    assert features.isfinite().all()


def test_encoding_twice_gives_the_same(backbone, pixels):
    first, second = (backbone.encode(pixels, "Go.") for _ in range(2))
    assert torch.equal(first.features, second.features)


def test_numpy_pixels_are_welcome(backbone, pixels):
    expected = backbone.encode(pixels, "Go.").features
    assert torch.equal(backbone.encode(pixels.numpy(), "Go.").features, expected)


def test_the_instruction_and_each_view_matter(backbone, pixels):
    reference = backbone.encode(pixels, "Pick the blue cube.").features
    other = backbone.encode(pixels, "Pick the blue cup.").features
    assert reference.shape != other.shape or not torch.allclose(reference, other)
    for view in range(2):
        changed = pixels.clone()
        changed[view] = -changed[view]
        features = backbone.encode(changed, "Pick the blue cube.").features
        assert (features - reference).abs().max() > 1e-3


def test_the_embedding_is_the_primary_views(backbone, pixels):
    reference = backbone.encode(pixels, "Go.").embedding
    wrist, side = pixels.clone(), pixels.clone()
    wrist[0] = 0
    side[1] = 0
    assert torch.allclose(backbone.encode(wrist, "Stop.").embedding, reference, atol=1e-5)
    assert not torch.allclose(backbone.encode(side, "Go.").embedding, reference, atol=1e-2)


def test_a_batch_equals_its_singles(backbone, pixels):
    texts = ("Go.", "Pick the blue cube from the brown box and place it in the bowl.")
    together = backbone.encode_batch(torch.stack([pixels, -pixels]), texts)
    for row, (sign, text) in enumerate(zip((1, -1), texts, strict=True)):
        alone = backbone.encode(sign * pixels, text)
        real = together.features[row][together.mask[row]]
        torch.testing.assert_close(real, alone.features, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together.embedding[row], alone.embedding, atol=1e-4, rtol=1e-4)


def test_wrong_pixels_are_refused(backbone, pixels):
    with pytest.raises(ValueError, match=r"for the views wrist, side, got \[1, 1, 3, 112, 112\]"):
        backbone.encode(pixels[:1], "Go.")
    with pytest.raises(ValueError, match=r"pixels must have shape \[1, 2, 3, 112, 112\]"):
        backbone.encode(pixels[..., :64], "Go.")


def test_bfloat16_is_close(tiny, backbone, pixels):
    exact = backbone.encode(pixels, "Go.")
    rough = tiny.backbone(dtype="bfloat16").encode(pixels, "Go.")
    assert rough.features.dtype == torch.bfloat16
    similarity = torch.cosine_similarity(rough.features.float(), exact.features, dim=-1)
    assert similarity.min() > 0.999
