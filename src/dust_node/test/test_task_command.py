"""The command against a node that serves tasks, refuses them, or is not there."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from std_srvs.srv import Trigger

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import StageSummary
from dust_node import task_command
from dust_node.waiting import until
from support.probe import Probe

WORDS = "Put the cube into the bowl."


class Graph(Probe):
    """Serves tasks: each runs until it is told how to end, or canceled."""

    def __init__(self, domain_id: int, folder: Path) -> None:
        super().__init__(domain_id)
        self.out, self.err = folder / "out", folder / "err"
        self.process: subprocess.Popen | None = None
        self.goals: list[ExecuteTask.Goal] = []
        self.accepts, self.is_mute = True, False
        self.end: ExecuteTask.Result | None = None
        self.server: ActionServer | None = ActionServer(
            self.node,
            ExecuteTask,
            "execute_task",
            self._execute,
            goal_callback=self._take,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def run(self, *words: str) -> subprocess.Popen:
        """Start the command."""
        command = [sys.executable, "-m", "dust_node.task_command", *words]
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err)
        return self.process

    def outcome(self, process: subprocess.Popen) -> tuple[int, str, str]:
        """Return exit code, output and errors of the command, once it has ended."""
        self.wait(lambda: process.poll() is not None)
        return process.returncode, self.out.read_text(), self.err.read_text()

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.vanish()
        super().close()

    def vanish(self) -> None:
        """Serve no more."""
        if self.server is not None:
            self.server.destroy()
            self.server = None

    def _take(self, goal: ExecuteTask.Goal) -> GoalResponse:
        self.goals.append(goal)
        return GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT

    async def _execute(self, handle) -> ExecuteTask.Result:
        said = ExecuteTask.Feedback(elapsed_time=1.5, chunks=9, buffer=0.5, action_steps=4)

        def over() -> bool:
            return self.end is not None or handle.is_cancel_requested

        while not await until(self.node, over, timeout_sec=0.1):
            if not self.is_mute:
                handle.publish_feedback(said)
        if handle.is_cancel_requested:
            handle.canceled()
            code = ExecuteTask.Result.CANCELED
            return ExecuteTask.Result(error_code=code, error_msg="canceled", chunks=9)
        handle.succeed()
        return self.end


@pytest.fixture
def graph(fresh_ros_domain: int, tmp_path: Path) -> Iterator[Graph]:
    graph = Graph(fresh_ros_domain, tmp_path)
    yield graph
    graph.close()


def test_a_task_is_followed_to_its_end(graph: Graph) -> None:
    process = graph.run("--time-limit", "30", WORDS)
    graph.wait(lambda: "9 chunks" in graph.out.read_text())
    row = StageSummary(stage="sample", count=9, median=0.05, p95=0.06, p99=0.07)
    graph.end = ExecuteTask.Result(chunks=9, elapsed_time=12.34, latency=[row])
    code, out, err = graph.outcome(process)
    assert (code, err) == (0, "")
    assert graph.goals == [ExecuteTask.Goal(instruction=WORDS, time_limit=30.0)]
    assert "1.5 s: 9 chunks, 0.50 s ahead, N_A 4, N_o 0\n" in out
    assert out.endswith("9 chunks in 12.3 s\nended as it should\n")
    (cells,) = [line.split() for line in out.splitlines() if line.startswith("sample")]
    assert cells == ["sample", "9", "50.0", "60.0", "70.0"]


def test_the_reason_of_a_failure_is_told(graph: Graph) -> None:
    graph.end = ExecuteTask.Result(error_code=20, error_msg="features stay away", chunks=2)
    code, out, err = graph.outcome(graph.run(WORDS))
    assert (code, err) == (1, "dust-task: features stay away\n")
    assert "2 chunks" in out


def test_ctrl_c_cancels(graph: Graph) -> None:
    process = graph.run(WORDS)
    # Then it follows the task.
    graph.wait(lambda: "9 chunks" in graph.out.read_text())
    process.send_signal(signal.SIGINT)
    code, out, err = graph.outcome(process)
    assert (code, err) == (1, "dust-task: canceled\n")
    assert "canceling: the arm comes to rest" in out


def test_ctrl_c_is_heard_although_nobody_says_anything(graph: Graph) -> None:
    graph.is_mute = True
    process = graph.run(WORDS)
    graph.wait(lambda: graph.goals)
    process.send_signal(signal.SIGINT)
    code, out, err = graph.outcome(process)
    assert (code, err) == (1, "dust-task: canceled\n")
    assert "canceling" in out


def test_whoever_vanishes_is_not_waited_for(graph: Graph) -> None:
    process = graph.run(WORDS)
    graph.wait(lambda: "9 chunks" in graph.out.read_text())
    graph.end = ExecuteTask.Result()
    graph.vanish()
    code, _, err = graph.outcome(process)
    assert code == 1
    assert "whoever did the task is gone" in err


def test_what_is_not_accepted_is_told(graph: Graph) -> None:
    graph.accepts = False
    code, _, err = graph.outcome(graph.run(WORDS))
    assert (code, err) == (
        1,
        "dust-task: the task was not accepted; the log of its server says why\n",
    )


@pytest.mark.parametrize(
    ("success", "message", "out", "err"),
    [
        (True, "", "done\n", ""),
        (False, "the arm is still coming to rest", "", "the arm is still coming to rest"),
    ],
)
def test_the_executor_is_rearmed(
    graph: Graph, success: bool, message: str, out: str, err: str
) -> None:
    def answer(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = success, message
        return response

    graph.node.create_service(Trigger, "dust_executor/rearm", answer)
    told = f"dust-task: {err}\n" if err else ""
    assert graph.outcome(graph.run("--rearm")) == (0 if success else 1, out, told)


def test_nobody_there(
    fresh_ros_domain: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(task_command, "_ANSWER_SEC", 0.1)
    assert task_command.main([WORDS]) == 1
    assert capsys.readouterr().err == (
        "dust-task: nobody serves execute_task; is the graph running, in this ROS domain?\n"
    )
    assert task_command.main(["--stop"]) == 1
    assert "nobody offers dust_executor/stop" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [[], [WORDS, "--rearm"], ["--time-limit", "0", WORDS], ["--time-limit", "soon", WORDS]],
)
def test_a_mistake_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        task_command.main(words)
    assert ended.value.code == 2
    assert "dust-task: error:" in capsys.readouterr().err


def test_wrong_ros_arguments_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert task_command.main([WORDS, "--ros-args", "-r", "nonsense"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dust-task: ROS arguments: ")
