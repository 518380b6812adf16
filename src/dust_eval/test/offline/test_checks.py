"""Tests of dust_eval.offline.checks: each constructed fault is caught by the check for it."""

import json

import numpy as np
import pytest

from dust_eval.card import with_section
from dust_eval.offline.checks import CHECKS, TITLE, CheckReport, run_checks
from dust_eval.offline.finding import Verdict

NAMES = (
    "state copying",
    "cameras",
    "instruction",
    "idle at the start pose",
    "chunk-shift consistency",
    "action error",
    "gripper timing",
)


def verdicts(evidence):
    return {finding.check: finding.verdict for finding in run_checks(evidence)}


def only(**bad):
    """Return the verdicts with everything ok but what is named."""
    named = {name.replace("_", " "): verdict for name, verdict in bad.items()}
    return dict.fromkeys(NAMES, Verdict.OK) | named


def test_a_policy_that_does_what_was_demonstrated_passes(judge_policy, exact):
    assert verdicts(judge_policy(exact())) == only()


def test_a_policy_that_goes_on_from_its_state_is_caught(judge_policy, exact):
    class Copier(exact):
        """Goes on in the direction from home, whatever it sees: nearly right on the way."""

        def predict(self, views, state, instruction, *, seeds):
            joints = state[:7]
            away = joints / max(np.abs(joints).max(), 1e-6)
            goal = away * 0.4 if np.abs(joints).max() > 1e-3 else np.full(7, 0.1)
            return np.stack([self.chunk(goal, state, seed) for seed in seeds])

    evidence = judge_policy(Copier())
    found = {finding.check: finding for finding in run_checks(evidence)}
    assert found["state copying"].verdict is Verdict.BAD
    assert found["state copying"].figures["explained by the state"] == 1.0
    assert found["cameras"].verdict is Verdict.BAD
    # Offline it looks well: far better than holding still.
    assert found["action error"].figures["error / holding still"] < 0.7


def test_a_policy_blind_to_one_camera_is_caught(judge_policy, exact):
    class Blind(exact):
        def predict(self, views, state, instruction, *, seeds):
            seen = {**views, "wrist": np.zeros_like(views["wrist"])}
            return super().predict(seen, state, instruction, seeds=seeds)

    found = {finding.check: finding for finding in run_checks(judge_policy(Blind()))}
    assert found["cameras"].verdict is Verdict.BAD
    assert found["cameras"].says == "It hardly notices: wrist black."
    assert found["state copying"].verdict is Verdict.OK


def test_a_policy_that_takes_one_camera_for_the_other_is_far_off(judge_policy, exact):
    class Swapped(exact):
        def predict(self, views, state, instruction, *, seeds):
            turned = {"wrist": views["side"], "side": views["wrist"]}
            return super().predict(turned, state, instruction, seeds=seeds)

    found = {finding.check: finding for finding in run_checks(judge_policy(Swapped()))}
    assert found["cameras"].figures["cameras exchanged: error / right error"] < 0.1
    assert found["action error"].verdict is not Verdict.OK


def test_a_policy_that_does_not_listen_is_caught(judge_policy, exact):
    class Deaf(exact):
        def predict(self, views, state, instruction, *, seeds):
            return super().predict(views, state, "to the left", seeds=seeds)

    assert verdicts(judge_policy(Deaf()))["instruction"] is Verdict.BAD


def test_a_policy_that_waits_at_the_start_is_caught(judge_policy, exact):
    class Waiting(exact):
        def chunk(self, goal, state, seed):
            if np.abs(state[:7]).max() < 0.015:
                return np.tile(state, (8, 1))
            return super().chunk(goal, state, seed)

    found = verdicts(judge_policy(Waiting()))
    assert found["idle at the start pose"] is Verdict.BAD
    assert found["state copying"] is Verdict.OK


def test_demonstrations_that_begin_with_a_pause_are_told(judge_policy, exact, new_world):
    evidence = judge_policy(exact(), episodes=new_world(pause=40))
    found = {finding.check: finding for finding in run_checks(evidence)}
    start = found["idle at the start pose"]
    assert start.verdict is Verdict.WARN
    assert start.figures["pause of the demonstrations, median [s]"] == pytest.approx(40 / 15)
    assert start.figures["travel / demonstrated, median"] == pytest.approx(1, abs=0.05)


def test_a_policy_that_changes_its_mind_with_each_chunk_is_caught(judge_policy, exact):
    class Wavering(exact):
        def chunk(self, goal, state, seed):
            return super().chunk(goal if seed % 2 else -goal, state, seed)

    assert verdicts(judge_policy(Wavering()))["chunk-shift consistency"] is Verdict.BAD


def test_a_policy_that_grips_late_or_for_nothing_is_caught(judge_policy, exact):
    class Late(exact):
        def chunk(self, goal, state, seed):
            chunk = super().chunk(goal, state, seed)
            chunk[:, 7] = state[7]
            return chunk

    class Nervous(exact):
        def chunk(self, goal, state, seed):
            chunk = super().chunk(goal, state, seed)
            chunk[:, 7] = np.arange(8) % 2
            return chunk

    expected = only(gripper_timing=Verdict.BAD)
    assert verdicts(judge_policy(Late())) == expected
    assert verdicts(judge_policy(Nervous())) == expected


def test_a_policy_of_noise_fails_nearly_everything(judge_policy):
    class Noise:
        def predict(self, views, state, instruction, *, seeds):
            return np.stack([np.random.default_rng(s).normal(size=(8, 8)) for s in seeds])

    found = verdicts(judge_policy(Noise()))
    assert found["action error"] is Verdict.BAD
    assert found["chunk-shift consistency"] is Verdict.BAD
    assert found["cameras"] is Verdict.BAD


@pytest.fixture
def report(judge_policy, exact):
    return CheckReport("tiny", "demos", {"moments": 40}, run_checks(judge_policy(exact())))


def test_a_report_reads_in_each_form(report):
    values = json.loads(json.dumps(report.to_values(), allow_nan=False))
    assert [check["check"] for check in values["checks"]] == list(NAMES)
    assert values["verdict"] == "ok"
    assert report.markdown().count("| **ok** |") == len(CHECKS)
    for name in NAMES:
        assert name in report.text()
        assert name in report.markdown()


def test_the_section_of_a_model_card_is_put_in_place(report):
    card = "# tiny policy\n\nwords\n\n## Data\n\nmore\n"
    once = with_section(card, report.markdown())
    assert once.startswith(card.rstrip("\n"))
    assert with_section(once, report.markdown()) == once
    older = f"# tiny\n\n{TITLE}\n\nold\n\n## Data\n\nmore\n"
    newer = with_section(older, f"{TITLE}\n\nnew\n")
    assert newer == f"# tiny\n\n{TITLE}\n\nnew\n\n## Data\n\nmore\n"
