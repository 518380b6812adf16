from pathlib import Path

import pytest

from dust_model.config import TINY, Architecture
from dust_model.records import to_json
from dust_model.training.config import load_config, require_same
from dust_model.training.learner import BackboneTraining
from dust_model.training.noise import TauDistribution

TEXT = """
checkpoint: start
output: out
data: {datasets: [demos]}
steps: 100
optimizer:
  learning_rate: 1e-4
head: {architecture: flare}
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "train.yaml").write_text(TEXT)
    return tmp_path / "train.yaml"


def test_values_and_defaults(path):
    config = load_config(path)
    assert (config.checkpoint, config.steps, config.batch) == ("start", 100, 32)
    assert config.data.datasets == ("demos",)
    assert config.optimizer.learning_rate == 1e-4
    assert config.backbone is BackboneTraining.PROJECTION


def test_overrides(path):
    config = load_config(
        path,
        [
            "optimizer.learning_rate=3e-4",
            "data.datasets=[a, b]",
            "noise.tau=beta",
            "head.dropout=0",
            "output=elsewhere",
            "resume=true",
        ],
    )
    assert config.optimizer.learning_rate == 3e-4
    assert config.data.datasets == ("a", "b")
    assert config.noise.tau is TauDistribution.BETA
    assert (config.output, config.resume) == ("elsewhere", True)
    head = config.head_config(TINY.head)
    assert (head.architecture, head.dropout) == (Architecture.FLARE, 0.0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stepz=3", "unknown field 'stepz'; known: checkpoint, output"),
        ("optimizer.lr=3", "optimizer: unknown field 'lr'"),
        ("optimizer.learning_rate=fast", "learning_rate: expected float, got 'fast'"),
        ("optimizer.learning_rate=-1", "optimizer: learning_rate must be above 0, got -1.0"),
        ("steps=0", "steps must be >= 1, got 0"),
        ("steps=many", "steps: expected int, got 'many'"),
        ("steps", "'steps' is not of the form key=value"),
        ("=3", "'=3' is not of the form key=value"),
        ("steps.more=3", "steps has no parts"),
        ("backbone=some", "'some' is none of none, projection, language, all"),
        ("data.datasets=demos", "expected a list, got 'demos'"),
        ("data.datasets=[]", "must name at least one folder"),
        ("data.validation=1.5", r"validation must lie in \[0, 1\), got 1.5"),
        ("data.focus=0", "focus must be >= 1, got 0"),
        ("data.focus_sec=0", "focus_sec must be > 0, got 0.0"),
        ("noise.prefix_max=-2", "prefix_max must be >= 0, got -2"),
        ("loss.world=-2", "world must be >= 0, got -2"),
        ("dtype=int8", "dtype must be one of float32, bfloat16, float16, got 'int8'"),
        ("average=1", r"average must lie in \[0, 1\), got 1"),
        ("features=cache", "set data.augment=false"),
        ("data={", "'data={'"),
    ],
)
def test_mistakes_are_one_line(path, override, message):
    with pytest.raises(ValueError, match=message) as error:
        load_config(path, [override])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("checkpoint: [", "is not YAML"),
        ("- 1", "expected keys and values"),
        ("checkpoint: a\noutput: b", "field 'data' is missing"),
        ("", "expected keys and values"),
    ],
)
def test_broken_files_are_one_line(tmp_path, text, message):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        load_config(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read .*none.yaml: No such file"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["head.heads=5.5"], "head.heads: expected int"),
        (["head.width=5"], "head: unknown field 'width'"),
        (["backbone=all"], "set backbone=language"),
        (["noise.action_free=true"], "noise of its own for vision, not flare"),
        (["noise.action_free=true", "head.architecture=mmdit_joint"], "not mmdit_joint"),
    ],
)
def test_heads_that_can_not_be_trained(path, overrides, message):
    with pytest.raises(ValueError, match=message):
        load_config(path, overrides).head_config(TINY.head)


def test_a_run_goes_on_with_the_configuration_it_began_with(path):
    begun = to_json(load_config(path))
    require_same(load_config(path, ["resume=true", "save_every=7"]), begun, where="out")
    with pytest.raises(ValueError, match="out was begun with steps=100, not 200"):
        require_same(load_config(path, ["steps=200"]), begun, where="out")


@pytest.mark.parametrize("name", ["dust", "tiny", "video"])
def test_our_configurations_are_right(name):
    root = Path(__file__).resolve().parents[4]
    load_config(root / "config" / f"train_{name}.yaml")
