"""One shard from barrier to barrier: which processes there are, and what happens when."""

from collections.abc import Callable, Iterable
from functools import partial

from fleet.simulation import checkpoint
from fleet.simulation.barrier import Decision, Report, Saved, barriers_us
from fleet.simulation.breaker import Spending
from fleet.simulation.checkins import CheckIns
from fleet.simulation.clock import DAY_US, PHASES_US, SECOND_US, Clock, repeat, without_phase_us
from fleet.simulation.cohort import Cohort, deal
from fleet.simulation.crew import Ended, Job, Notice, Progress, Steps
from fleet.simulation.darkroom import Darkroom
from fleet.simulation.digest import Delivered
from fleet.simulation.driving import drive
from fleet.simulation.equipment import Equipment
from fleet.simulation.examiner import Examiner
from fleet.simulation.keeping import Keeping
from fleet.simulation.state import FleetState
from fleet.simulation.uploading import Uploads, open_outbox
from scenarios import TICK_US
from telemetry import Gateway, Loopback
from vehicle import Cut, Parcel


class Simulation:
    """A shard's cars, the clock they live by and the wire to the server.

    At one instant: trips and links, then check-ins, then ticks, then uploads, then the barrier (`PHASES_US`).
    """

    def __init__(self, job: Job, equipment: Equipment, notice: Notice) -> None:
        self.job, self._world, self._notice = job, equipment.world, notice
        self._car_ticks, self._fires, self._clips = 0, 0, 0  # since this process began
        plan = job.plan
        self.clock = Clock(job.began_us + PHASES_US["barrier"])
        self.state = FleetState.parked(job.first, job.cars)
        self.cohorts = [Cohort.equipped(*each, equipment) for each in deal(job.first, job.cars, plan.cohort_cars)]
        self.outbox = open_outbox(job.first, job.cars, plan)
        self.uploads = Uploads(self.clock, self.state, self.outbox, equipment.uplink, self._deliver)
        self.keeping = Keeping(equipment.quotas)
        self.spending = Spending(spec.name for spec in equipment.watched)
        self.darkroom = Darkroom(equipment.world, self.cohorts[0].onboard.loadouts[0], job.run)
        self.checkins = CheckIns(job.shard, self.cohorts, self.state, self.outbox, fleet=plan.cars)
        self.examiner = Examiner(equipment.world)
        self.wire: Gateway | Loopback = (
            Gateway(job.endpoint, run=job.run, sender=f"shard-{job.shard}", on_wait=self._say, key=job.key)
            if job.endpoint
            else Loopback(run=job.run)
        )
        self._delivered: list[Delivered] = []  # since the last barrier
        self._sent: dict[str, int] = {}  # clip → car, not yet acknowledged

    def run(self) -> Steps:
        """Live from barrier to barrier: yield a Report, take a Decision, yield Saved; at the end yield Ended."""
        plan, job = self.job.plan, self.job
        try:
            if job.resume_us is None:
                self._drive(plan.start_us)
            else:
                checkpoint.restore(self, job.resume_us)
            self._begin()
            for barrier_us in barriers_us(plan, job.began_us):
                self.clock.run_until(barrier_us + PHASES_US["barrier"])
                delivered, self._delivered = self._delivered, []
                told = self._car_ticks, self._fires, self.keeping.asks, delivered, self.spending.take()
                decision = yield Report(barrier_us, *told)
                self._meet(barrier_us, decision or Decision())
                yield Saved(barrier_us, self.examiner.take(self.state.cars, barrier_us))
            self.checkins.send_waiting(self.wire, plan.end_us)
            self.wire.flush(on_wait=self._say)
            yield Ended(self.wire.welcome.store if self.wire.welcome else None)
        finally:
            self.wire.close()

    def _begin(self) -> None:
        """Start the processes that never end; an upload's exists only while there is something to send."""
        plan = self.job.plan
        self._repeat(1.0, "links", self._drive)
        self._repeat(plan.signals_every_s, "checkins", lambda _: self.checkins.ask())
        for cohort in self.cohorts:
            self._repeat(plan.perceive_every_s, "ticks", partial(self._tick, cohort))

    def _repeat(self, every_s: float, phase: str, work: Callable[[int], None]) -> None:
        period_us = round(every_s * SECOND_US)
        self.clock.begin(repeat(self.clock, period_us, phase, work, origin_us=self.job.plan.start_us))

    def _drive(self, now_us: int) -> None:
        linked = drive(self.state, self._world, now_us)
        self.uploads.wake(linked.tolist() if now_us % DAY_US else self.outbox.busy)  # a new day has new budgets

    def _tick(self, cohort: Cohort, now_us: int) -> None:
        tick = now_us // TICK_US
        looked, fires = cohort.tick(self.state, tick)
        self._car_ticks += looked
        self._fires += len(fires)
        self.checkins.looked(cohort, fires)
        self.examiner.looked(fires)
        self.keeping.fired(fires)
        self.spending.fired(fires)
        self._queue(self.keeping.admitted(cohort.onboard.recorder.due(tick)), now_us)
        self._say()

    def _queue(self, cuts: list[Cut], now_us: int) -> None:
        """Cuts become clips in their cars' outboxes."""
        for cut, clip in zip(cuts, self.darkroom.develop(cuts), strict=True):
            if not clip.ticks:
                continue  # all of it fell where nothing may be recorded
            self.spending.queued(cut, clip.nbytes)
            self._give_up(self.outbox.add(cut, clip.nbytes, now_us=now_us))
        self.uploads.wake(sorted({cut.car for cut in cuts}))

    def _give_up(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            self.darkroom.drop(parcel.cut.clip)
            self.checkins.uploaded(parcel, parcel.given_up)

    def _deliver(self, parcel: Parcel) -> None:
        """The last byte has left the car: the clip goes on the wire."""
        cut, clip = parcel.cut, self.darkroom.take(parcel.cut)
        self.wire.send_clip(clip)
        self._sent[cut.clip] = cut.car
        finished_us = without_phase_us(parcel.finished_us)
        self._clips += 1
        self._delivered.append(Delivered(cut.car, cut.tick, cut.spec.name, finished_us, clip.sha256))
        self.checkins.uploaded(parcel, "delivered")

    def _meet(self, barrier_us: int, decision: Decision) -> None:
        """The barrier: quotas, rows, acknowledgements, the checkpoint; in simulated no time."""
        kept, refused = self.keeping.decide(decision)
        self._queue(kept, barrier_us)
        self._give_up(self.outbox.expire(barrier_us))
        for cohort in self.cohorts:
            cohort.stop(decision.closed, decision.suspended)
        self.checkins.send(self.wire, barrier_us, refused, decision.events)
        self._drain()
        for name in self.wire.take_acknowledged():
            if name in self._sent:
                self.outbox.forget(self._sent.pop(name), name)
        checkpoint.save(self, barrier_us)

    def _drain(self) -> None:
        self.wire.drain(on_wait=self._say)
        if isinstance(self.wire, Loopback):
            self.wire.clips.clear()  # a replay compares and keeps nothing
            self.wire.rows.clear()

    def _say(self, waiting: int = 0) -> None:
        now_us = without_phase_us(self.clock.now_us)
        self._notice(Progress(self.job.shard, now_us, self._car_ticks, self._fires, self._clips, waiting))
