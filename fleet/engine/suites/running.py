"""A network put through a suite: every case painted again and compared, every slice judged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fleet.engine.suites.cases import Case, head, pixels_hash, read_cases
from fleet.engine.suites.finding import Quest, quest, task_of
from fleet.engine.suites.growing import frames_of, one_thread, opened
from fleet.engine.suites.judging import Judged, Verdict, judge
from fleet.engine.suites.spec import Slice, Suite
from fleet.errors import BadSuite, Problem, UnknownInSuite
from scenarios import World
from vehicle import Network

CHUNK = 8  # cars a car's runtime takes at once
SHOWN = 5  # wrong answers that are listed

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a network answered to a case: its number in the file, the probability, whether that is right.

    differs: None, or why the picture is not the one that was stored
    """

    number: int
    case: Case
    says: float
    right: bool
    differs: str | None


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One unit test's outcome.

    asked: the slice; judged: figure, interval, verdict
    wrong: the first wrong answers, the most wrong first
    differing: cases whose pictures are not what was stored; learnt_from: cases of the world the network learnt from
    """

    suite: str
    asked: Slice
    judged: Judged
    wrong: tuple[Answer, ...]
    differing: int
    learnt_from: int

    @property
    def verdict(self) -> Verdict:
        """Pass, fail or inconclusive."""
        return self.judged.verdict

    def story(self) -> str:
        """What a person reads who asks why."""
        own, judged = self.asked, self.judged
        figure = "no cases" if judged.figure is None else f"{judged.figure:.3f} ({judged.k} of {judged.n})"
        span = f"{own.confidence:.0%} interval {judged.low:.3f} to {judged.high:.3f}"
        lines = [
            f"{own.name}: {own.must.split()[0]} {figure}, {span}; must be {own.must}",
            f"{self.verdict}: {judged.why}",
        ]
        if self.learnt_from:
            lines.append(f"{self.learnt_from} cases are of the world that this network learnt from")
        for answer in self.wrong:
            sees = (
                f"{answer.says:.2f} where it should be {'above' if answer.case.expected else 'below'} {own.threshold}"
            )
            lines.append(f"  {sees}: outrider suite look {self.suite} {answer.number} --png case.png")
        return "\n".join(lines)

    def told(self) -> dict[str, Any]:
        """Everything as JSON has it."""
        own, judged = self.asked, self.judged
        return {
            "slice": own.name,
            "must": own.must,
            "n": judged.n,
            "k": judged.k,
            "figure": judged.figure,
            "low": judged.low,
            "high": judged.high,
            "confidence": own.confidence,
            "threshold": own.threshold,
            "verdict": str(self.verdict),
            "why": judged.why,
            "differing": self.differing,
            "learnt_from": self.learnt_from,
            "wrong": [{"case": each.number, "says": each.says} for each in self.wrong],
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """A network before a suite.

    threshold: the answer from which on it is a yes, instead of the suite's; None = the suite's
    repaint: accept pictures that are not bit by bit those that were stored
    """

    suite: Suite
    network: Network
    threshold: float | None = None
    repaint: bool = False

    @property
    def task(self) -> str:
        """The name of the task that is tested; BadSuite where there is none."""
        return task_of(self.suite)[0]

    @one_thread()
    def run(self, names: Sequence[str], progress: Progress) -> list[SliceResult]:
        """These slices, or all of them; progress is told how many cases of how many are done.

        UnknownInSuite for a slice, or for a task that the network has no head for.
        """
        if self.task not in self.network.tasks:
            raise UnknownInSuite("task", self.task, self.network.tasks, f"network {self.network.name!r}")
        chosen = [self.suite.slice(name) for name in names or self.suite.slices]
        wants = {asked.name: asked.wants_yes for asked in chosen}
        cases = kept_cases(self.suite)
        fitting = {number: case for number, case in cases.items() if wants.get(case.slice) == case.expected}
        answers = self._answers(fitting, progress)
        return [self._result(asked, [each for each in answers if each.case.slice == asked.name]) for asked in chosen]

    def _answers(self, cases: Mapping[int, Case], progress: Progress) -> list[Answer]:
        """Every case's answer; each world is opened once."""
        worlds: dict[str, list[int]] = {}
        for number, case in cases.items():
            worlds.setdefault(case.recipe.opening, []).append(number)
        answers: list[Answer] = []
        for numbers in worlds.values():
            world = opened(cases[numbers[0]].recipe)
            quests = self._quests({cases[number].slice for number in numbers}, world)
            done = iter(numbers)
            for part, pixels in frames_of(world, [cases[number] for number in numbers]):
                seen = zip(part, pixels, self._look(pixels), strict=True)
                answers += [
                    self._answer(next(done), case, quests[case.slice], says, _differs(case, world, picture))
                    for case, picture, says in seen
                ]
                progress(len(answers), len(cases))
        return answers

    def _look(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network's task means for each frame, (n, outputs)."""
        name, parts = self.task, []
        for start in range(0, len(pixels), CHUNK):
            chunk = pixels[start : start + CHUNK]
            blank = np.zeros((CHUNK - len(chunk), *chunk.shape[1:]), np.uint8)
            raw = self.network.answer(self.network.embed(np.concatenate([chunk, blank])))[name][: len(chunk)]
            parts.append(self.network.tasks[name].read(torch.from_numpy(np.array(raw))).numpy())
        return np.concatenate(parts)

    def _answer(
        self, number: int, case: Case, wanted: Quest, outputs: NDArray[np.float32], differs: str | None
    ) -> Answer:
        says = float(outputs[wanted.column(case.camera)])
        return Answer(number, case, says, (says >= self._threshold(wanted.asked)) == case.expected, differs)

    def _quests(self, names: Iterable[str], world: World) -> dict[str, Quest]:
        cameras = [camera.name for camera in world.rig.cameras]
        return {name: quest(self.suite, name, cameras) for name in names}

    def _threshold(self, asked: Slice) -> float:
        return self.threshold if self.threshold is not None else asked.threshold or 0.5

    def _result(self, asked: Slice, answers: Sequence[Answer]) -> SliceResult:
        yes = sum(answer.right == asked.wants_yes for answer in answers)  # right where a yes is right, else wrong
        judged = judge(asked, yes, len(answers))
        differing = [answer.differs for answer in answers if answer.differs]
        if differing and not self.repaint:
            why = f"{len(differing)} of {len(answers)} pictures are not those that were stored: {differing[0]}"
            judged = Judged(
                judged.n, judged.k, judged.low, judged.high, Verdict.INCONCLUSIVE, f"{why}; --repaint accepts them"
            )
        card = self.network.card
        return SliceResult(
            suite=self.suite.word,
            asked=asked.model_copy(update={"threshold": self._threshold(asked)}),
            judged=judged,
            wrong=tuple(sorted((each for each in answers if not each.right), key=_how_wrong)[:SHOWN]),
            differing=len(differing),
            learnt_from=sum(each.case.recipe.seed == card.get("seed") for each in answers),
        )


def kept_cases(suite: Suite) -> dict[int, Case]:
    """Number of the line to case; BadSuite where its slice or task is no longer there."""
    task_of(suite)
    cases = dict(enumerate(read_cases(suite.cases_file), 1))
    lost = sorted({case.slice for case in cases.values()} - set(suite.slices))
    if lost:
        text = f"there are cases of {', '.join(map(repr, lost))}, which the suite no longer has; suites only grow"
        raise BadSuite([Problem(str(suite.file), "slices", text)])
    return cases


def verdict_of(results: Sequence[SliceResult]) -> Verdict:
    """A suite passes where every slice does, and fails where one fails."""
    verdicts = {result.verdict for result in results}
    return next((each for each in (Verdict.FAIL, Verdict.INCONCLUSIVE) if each in verdicts), Verdict.PASS)


def told(trial: Trial, results: Sequence[SliceResult]) -> dict[str, Any]:
    """A run of a suite as one JSON object."""
    return {
        "suite": trial.suite.name,
        "file": str(trial.suite.file),
        "cases_head": head(trial.suite.cases_file),
        "task": trial.task,
        "network": trial.network.name,
        "backbone": trial.network.backbone,
        "verdict": str(verdict_of(results)),
        "slices": [result.told() for result in results],
    }


def _differs(case: Case, world: World, picture: NDArray[np.uint8]) -> str | None:
    """Why a picture (cameras, 3, height, width) is not the one that was stored; None where it is."""
    if pixels_hash(picture.tobytes()) == case.pixels:
        return None
    return "another torch or processor painted it" if world.fingerprint == case.world_print else "the world has changed"


def _how_wrong(answer: Answer) -> float:
    return answer.says if answer.case.expected else -answer.says
