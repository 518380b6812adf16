"""A byte-level BPE tokenizer that is built here, for checkpoints that start from nothing.

It has the special tokens of Eagle-2's prompt at the ids that the configuration names, so the same
prompt code serves it and the tokenizer.json of a pre-trained checkpoint.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from dust_model.config import VisionLanguageConfig, require

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
IMAGE_START = "<img>"
IMAGE_END = "</img>"
IMAGE = "<IMG_CONTEXT>"

SPECIAL = (END_OF_TEXT, TURN_START, TURN_END, IMAGE_START, IMAGE_END, IMAGE)
"""Special tokens of the prompt. An instruction must not contain one."""

_VERBS = "pick place put move push pull open close lift lower turn press grasp release stack pour"
_THINGS = (
    "box bowl plate basket cup cube bear sponge drawer door button bottle can block ball mug lid "
    "teddy tray towel pan spoon knife robot gripper object table shelf cabinet"
)
_LOOKS = "brown golden white black blue red green yellow small large left right top bottom other"
_PLACES = "from to into onto in on at under behind beside between above"


def build_tokenizer(config: VisionLanguageConfig) -> Tokenizer:
    """Build the tokenizer of `config`; the same configuration always gives the same one.

    Raises:
        ValueError: the vocabulary has no room for the 256 bytes and the special tokens.
    """
    text_room = config.image_token_id - 2
    require(
        text_room >= 256 + 3,
        f"vocab_size={config.vocab_size} with image_token_id={config.image_token_id} leaves no "
        "room for 256 bytes and the special tokens: use at least 264",
    )
    model = json.loads(_train(text_room).to_str())["model"]
    vocabulary = dict(model["vocab"])
    for offset, token in enumerate((IMAGE_START, IMAGE_END, IMAGE)):
        vocabulary[token] = text_room + offset
    merges = [tuple(pair) for pair in model["merges"]]
    return _wrap(models.BPE(vocab=vocabulary, merges=merges), SPECIAL)


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.

    Args:
        path: a tokenizer.json, or a folder with vocab.json, merges.txt and tokenizer_config.json,
            which is how Eagle-2's comes with GR00T-N1.

    Raises:
        ValueError: it can't be read, or is none.
    """
    try:
        return _read_parts(path) if path.is_dir() else Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception for a file it can't parse
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"cannot read the tokenizer {path}: {reason}") from None


def _read_parts(folder: Path) -> Tokenizer:
    model = models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer = _wrap(model, ())
    entries = json.loads((folder / "tokenizer_config.json").read_text())["added_tokens_decoder"]
    for number, entry in sorted(entries.items(), key=lambda item: int(item[0])):
        special = bool(entry["special"])
        # Eagle-2 adds the plain word "assistant", too: without it prompts end in other tokens.
        token = AddedToken(entry["content"], special=special, normalized=entry["normalized"])
        add = tokenizer.add_special_tokens if special else tokenizer.add_tokens
        add([token])
        found = tokenizer.token_to_id(entry["content"])
        require(found == int(number), f"{entry['content']!r} is token {found}, not {number}")
    return tokenizer


def _train(vocab_size: int) -> Tokenizer:
    tokenizer = _wrap(models.BPE(), ())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        show_progress=False,
        special_tokens=[END_OF_TEXT, TURN_START, TURN_END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    return tokenizer


def _wrap(model: models.BPE, special: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    return tokenizer


def _corpus() -> list[str]:
    """Return sentences like the instructions to come, enough for whole words to be merged."""
    lines = ["system\nYou are a helpful assistant.", "user\n", "assistant\n"] * 4
    verbs, things, looks, places = (words.split() for words in (_VERBS, _THINGS, _LOOKS, _PLACES))
    for number, thing in enumerate(things):
        verb, place = verbs[number % len(verbs)], places[number % len(places)]
        look, other = looks[number % len(looks)], things[-1 - number]
        lines += [f"{verb.capitalize()} the {thing} {place} the {look} {other}."] * 2
        lines += [f"{verb} the {look} {other} and place it {place} the {thing}"] * 2
    for words in (verbs, looks, places):
        lines += [f"{word} the" for word in words for _ in range(2)]
    return lines
