"""What a worker does with a command, told as stories."""

from __future__ import annotations

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import (
    Busy,
    Ended,
    Execute,
    Held,
    Hold,
    Lost,
    Probe,
    Probed,
    Put,
    Read,
    Resume,
    Snapshot,
    StepBegins,
    Stored,
    Unclear,
)
from bellboard.ledger.state import MAX_EPOCHS, S
from bellboard.ledger.subjects import Author
from bellboard.ledger.work import CONFIRM_WITHIN, Verdict, work
from tests.unit.ledger.script import IDEMPOTENT, ONCE, READ, Script

STEPS = (("boots", IDEMPOTENT), ("rope", ONCE))


def succeeded() -> Ended:
    return Ended(S.STATE_SUCCEEDED, pb.Outcome(result=b"done"))


def executions(script: Script) -> list[Execute]:
    return [op for op in script.asked if isinstance(op, Execute)]


def begun(script: Script, effect: int, epoch: int = 1, steps: tuple[tuple[str, int], ...] = ()) -> None:
    """Another worker has accepted, claimed and started the command."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.write(Author.BOT, S.STATE_CLAIMED, epoch=epoch, worker="w0", effect=effect)
    records = [pb.StepRecord(name=name, effect=effect) for name, effect in steps]  # type: ignore[arg-type]
    script.write(Author.BOT, S.STATE_STARTED, started=True, steps=records)


def test_a_read_is_answered_with_one_write(script: Script) -> None:
    """Nothing of a READ can go wrong twice, so it is neither claimed nor started."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Execute] = [succeeded()]

    verdict = script.run(work(script.job(READ), script.world))

    assert (verdict, script.told) == (Verdict.DONE, ["RECEIVED", "SUCCEEDED"])
    assert script.seen.record is not None
    assert script.seen.record.outcome.result == b"done"


def test_a_once_is_claimed_and_started_before_it_runs(script: Script) -> None:
    """The ledger knows that it may have happened before it can have."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Execute] = [lambda op: script.told == ["RECEIVED", "CLAIMED", "STARTED"] and succeeded()]

    verdict = script.run(work(script.job(ONCE), script.world))

    assert (verdict, script.told[-1]) == (Verdict.DONE, "SUCCEEDED")


def test_a_delivery_that_comes_again_after_the_end_is_acknowledged(script: Script) -> None:
    """What is final is nobody's work."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    job = script.job(READ, fresh=False)
    script.write(Author.GATEWAY, S.STATE_CANCELLED)

    assert script.run(work(job, script.world)) is Verdict.DONE
    assert executions(script) == []


def test_a_started_once_is_not_taken_over(script: Script) -> None:
    """It is handed back until the reaper calls it UNKNOWN."""
    begun(script, ONCE)

    assert script.run(work(script.job(ONCE, fresh=False), script.world)) is Verdict.LATER
    assert executions(script) == []


def test_a_started_idempotent_is_taken_over(script: Script) -> None:
    """With the next epoch."""
    begun(script, IDEMPOTENT)
    script.answers[Execute] = [succeeded()]

    assert script.run(work(script.job(IDEMPOTENT, fresh=False), script.world)) is Verdict.DONE
    assert script.told[3:] == ["CLAIMED", "STARTED", "SUCCEEDED"]
    assert executions(script)[0].epoch == 2


def test_whoever_is_beaten_to_a_claim_lets_go(script: Script) -> None:
    """To claim it back would go on for ever."""
    script.write(Author.RUN, S.STATE_RECEIVED)

    def beaten(op: Put) -> Stored | Lost:
        script.write(Author.BOT, S.STATE_CLAIMED, epoch=1, worker="w0", effect=ONCE)
        return script.store(op)

    script.answers[Put] = [beaten]

    assert script.run(work(script.job(ONCE), script.world)) is Verdict.TAKEN
    assert script.told == ["RECEIVED", "CLAIMED"]


def test_a_lost_answer_is_found_by_its_nonce(script: Script) -> None:
    """A claim that was stored without an answer counts, and is not made twice."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Put] = [lambda op: script.store(op) and Unclear()]
    script.answers[Execute] = [succeeded()]

    assert script.run(work(script.job(ONCE), script.world)) is Verdict.DONE
    assert script.told == ["RECEIVED", "CLAIMED", "STARTED", "SUCCEEDED"]


def test_a_start_that_is_confirmed_too_late_is_not_begun(script: Script) -> None:
    """By then it may have been called lost, and looked for."""
    script.write(Author.RUN, S.STATE_RECEIVED)

    def slow(op: Put) -> Stored | Lost:
        script.time += CONFIRM_WITHIN + 1
        return script.store(op)

    script.answers[Put] = [script.store, slow]

    assert script.run(work(script.job(ONCE), script.world)) is Verdict.DONE
    assert script.told[-1] == "FAILED"
    assert executions(script) == []


def test_a_late_result_resolves_what_was_called_unknown(script: Script) -> None:
    """The worker that was taken for lost knows best, even where a stale look hides what it is beaten by."""
    script.write(Author.RUN, S.STATE_RECEIVED)

    def paused(_: Execute) -> Ended:
        script.answers[Read] = [script.seen]  # once more as it stood before
        script.write(Author.REAPER, S.STATE_UNKNOWN)
        return succeeded()

    script.answers[Execute] = [paused]

    assert script.run(work(script.job(ONCE), script.world)) is Verdict.DONE
    assert script.told[-2:] == ["UNKNOWN", "RESOLVED_SUCCEEDED"]


def test_the_late_result_of_an_older_attempt_resolves_nothing(script: Script) -> None:
    """It says nothing of the attempt that was lost after it."""
    script.write(Author.RUN, S.STATE_RECEIVED)

    def robbed(_: Execute) -> Ended:
        script.write(Author.BOT, S.STATE_CLAIMED, epoch=2, worker="w2")
        script.write(Author.BOT, S.STATE_STARTED)
        script.write(Author.BOT, S.STATE_UNKNOWN)
        return succeeded()

    script.answers[Execute] = [robbed]
    steps = (("boots", IDEMPOTENT),)

    assert script.run(work(script.job(IDEMPOTENT, steps=steps), script.world)) is Verdict.DONE
    assert script.told[-1] == "UNKNOWN"


def test_a_broken_handler_leaves_a_once_unknown_and_the_probe_is_asked(script: Script) -> None:
    """Whoever broke in the middle can't say how far it came."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Execute] = [Ended(S.STATE_UNKNOWN, pb.Outcome(), "it broke")]
    script.answers[Probe] = [Probed(True)]

    assert script.run(work(script.job(ONCE, probes=True), script.world)) is Verdict.DONE
    assert script.told[-2:] == ["UNKNOWN", "RESOLVED_SUCCEEDED"]


def test_a_broken_handler_fails_what_may_be_repeated(script: Script) -> None:
    """Nobody has to find out what became of it."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Execute] = [Ended(S.STATE_UNKNOWN, pb.Outcome(), "it broke")]

    script.run(work(script.job(IDEMPOTENT), script.world))

    assert script.told[-1] == "FAILED"


def test_a_probe_that_does_not_know_changes_nothing(script: Script) -> None:
    """A person decides."""
    begun(script, ONCE)
    script.write(Author.REAPER, S.STATE_UNKNOWN)
    script.answers[Probe] = [Probed(None)]

    assert script.run(work(script.job(ONCE, fresh=False, probes=True), script.world)) is Verdict.DONE
    assert script.told[-1] == "UNKNOWN"


def test_each_step_is_recorded_before_it_begins(script: Script) -> None:
    """And with it that the one before is done."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Execute] = [StepBegins("boots")]
    script.answers[Resume] = [StepBegins("rope"), succeeded()]

    assert script.run(work(script.job(ONCE, steps=STEPS), script.world)) is Verdict.DONE
    assert script.told[3:] == ["STEP", "STEP", "SUCCEEDED"]
    states = [[step.state for step in record.steps] for _, record in script.records[3:]]
    assert states == [[1, 0], [2, 1], [2, 2]]


def test_whoever_takes_over_resumes_after_the_steps_that_are_done(script: Script) -> None:
    """A step that may be repeated and is under way is begun again."""
    begun(script, ONCE, steps=(("boots", IDEMPOTENT), ("laces", IDEMPOTENT)))
    steps = [
        pb.StepRecord(name="boots", state=pb.STEP_STATE_DONE, effect=IDEMPOTENT, epoch=1),
        pb.StepRecord(name="laces", state=pb.STEP_STATE_STARTED, effect=IDEMPOTENT, epoch=1),
    ]
    script.write(Author.BOT, S.STATE_STEP, steps=steps)
    script.answers[Execute] = [StepBegins("laces")]
    script.answers[Resume] = [succeeded()]

    assert script.run(work(script.job(ONCE, fresh=False), script.world)) is Verdict.DONE
    assert executions(script)[0].done == ("boots",)


def test_a_step_that_must_not_repeat_is_not_taken_over(script: Script) -> None:
    """Not even of a command that may be repeated as a whole."""
    begun(script, IDEMPOTENT, steps=STEPS)
    steps = [
        pb.StepRecord(name="boots", state=pb.STEP_STATE_DONE, effect=IDEMPOTENT, epoch=1),
        pb.StepRecord(name="rope", state=pb.STEP_STATE_STARTED, effect=ONCE, epoch=1),
    ]
    script.write(Author.BOT, S.STATE_STEP, steps=steps)

    assert script.run(work(script.job(IDEMPOTENT, fresh=False), script.world)) is Verdict.LATER


def test_a_step_that_was_lost_to_another_worker_is_not_begun(script: Script) -> None:
    """The handler is stopped instead."""
    script.write(Author.RUN, S.STATE_RECEIVED)

    def robbed(_: Execute) -> StepBegins:
        script.write(Author.BOT, S.STATE_CLAIMED, epoch=2, worker="w2")
        return StepBegins("boots")

    script.answers[Execute] = [robbed]
    script.answers[Resume] = [Ended(S.STATE_CANCELLED, pb.Outcome())]

    assert script.run(work(script.job(ONCE, steps=STEPS), script.world)) is Verdict.TAKEN
    assert script.asked[-1] == Resume(go=False)
    assert script.told[-1] == "CLAIMED"


def test_a_command_whose_key_is_busy_queues(script: Script) -> None:
    """Its record names whom it waits for."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Hold] = [Busy("other")]

    assert script.run(work(script.job(ONCE, turn="hill"), script.world)) is Verdict.DONE
    assert script.told[-1] == "QUEUED"
    assert script.seen.record is not None
    assert (script.seen.record.turn.key, script.seen.record.turn.holder) == ("hill", "other")


def test_a_command_whose_turn_has_come_runs_however_long_it_waited(script: Script) -> None:
    """Not-after is for commands that nobody has looked at."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.write(Author.BOT, S.STATE_QUEUED)
    script.write(Author.RUN, S.STATE_READY)
    script.answers[Hold] = [Held()]
    script.answers[Execute] = [succeeded()]

    script.run(work(script.job(ONCE, turn="hill", not_after=0.0), script.world))

    assert script.told[-1] == "SUCCEEDED"


def test_what_waited_too_long_expires(script: Script) -> None:
    """It is not even run late."""
    script.write(Author.RUN, S.STATE_RECEIVED)

    assert script.run(work(script.job(ONCE, not_after=script.time - 1), script.world)) is Verdict.DONE
    assert script.told[-1] == "EXPIRED"


def test_what_costs_every_worker_its_life_is_poison(script: Script) -> None:
    """It fails, since nothing of it has started."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    for epoch in range(1, MAX_EPOCHS + 1):
        script.write(Author.BOT, S.STATE_CLAIMED, epoch=epoch, worker="w0")

    assert script.run(work(script.job(ONCE, fresh=False), script.world)) is Verdict.DONE
    assert script.told[-1] == "FAILED"


def test_a_bus_that_says_nothing_leaves_the_command_for_later(script: Script) -> None:
    """The worker gives up after some minutes, having run nothing."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Put] = [Unclear()] * 100
    script.answers[Read] = [Unclear(), Snapshot()] * 50

    assert script.run(work(script.job(ONCE), script.world)) is Verdict.LATER
    assert executions(script) == []


def test_a_delivery_that_was_offered_anew_since_is_acknowledged(script: Script) -> None:
    """Two deliveries of one command would take it from each other."""
    begun(script, IDEMPOTENT)
    job = script.job(IDEMPOTENT, fresh=False)
    offered = script.write(Author.RUN, S.STATE_READY)
    script.answers[Read] = [Snapshot(len(script.records), offered, len(script.records))]

    assert script.run(work(job, script.world)) is Verdict.DONE
    assert script.told[-1] == "READY"


def test_what_may_have_run_in_a_history_that_was_lost_is_unknown(script: Script) -> None:
    """Nobody runs it again, however late it is; its probe may know."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Probe] = [Probed(True)]

    verdict = script.run(work(script.job(ONCE, doubtful=True, probes=True, not_after=0.0, turn="shop"), script.world))

    assert (verdict, executions(script)) == (Verdict.DONE, [])
    assert script.told == ["RECEIVED", "CLAIMED", "STARTED", "UNKNOWN", "RESOLVED_SUCCEEDED"]


def test_what_is_idempotent_and_may_have_run_in_a_lost_history_fails(script: Script) -> None:
    """It would undo what came after it."""
    script.write(Author.RUN, S.STATE_RECEIVED)

    verdict = script.run(work(script.job(IDEMPOTENT, doubtful=True), script.world))

    assert (verdict, executions(script)) == (Verdict.DONE, [])
    assert script.told[-1] == "FAILED"
