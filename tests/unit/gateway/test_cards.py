"""What people see of a command."""

from __future__ import annotations

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.ledger.ops import World
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author, Key
from bellboard_gateway import cards

KEY = Key("ops-work", "practice", "k3f9a2bcdefghijklmnopqrstu")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ENVELOPE = pb.Envelope(
    id=KEY.id,
    bot="practice",
    card="root",
    line="practice every north 3 --token ••••",
    sealed=b"sealed-secret",
    principal=pb.Principal(person="ann"),
    origin=pb.Origin(room="ops", thread="t1", message="m1"),
    traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
)


def text(words: str) -> chat.Block:
    return chat.Block(text=chat.Text(text=words))


def bar(words: str) -> chat.Block:
    return chat.Block(progress=chat.Progress(text=words, done=0.5))


def shown(record: pb.Record, **more: object) -> cards.Shown:
    return cards.Shown(KEY, ENVELOPE, record, 7, **more)  # type: ignore[arg-type]


def test_a_card_says_who_where_and_what_but_no_secret() -> None:
    """The envelope's public parts are on the card; what is sealed is not."""
    made = cards.card(shown(pb.Record(state=S.STATE_RECEIVED)))
    assert (made.command_id, made.card_id, made.room, made.thread) == (KEY.id, "root", "ops", "t1")
    assert (made.principal, made.trace_id, made.sequence, made.message_id) == ("ann", TRACE, 7, "m1")
    assert b"sealed-secret" not in made.SerializeToString()


WORDS = [
    (pb.Record(state=S.STATE_RECEIVED), ""),
    (pb.Record(state=S.STATE_QUEUED, turn=pb.Turn(holder="k3f9a2xxxxxx")), "Queued behind k3f9a2"),
    (pb.Record(state=S.STATE_CLAIMED, epoch=1), ""),
    (pb.Record(state=S.STATE_CLAIMED, epoch=2), "Worker lost; another took over (attempt 2)"),
    (pb.Record(state=S.STATE_READY, epoch=1), "Worker lost; offered to another"),
    (pb.Record(state=S.STATE_READY), "Its turn has come"),
    (pb.Record(state=S.STATE_AWAITING_APPROVAL, approval=pb.Approval(group="owners")), "Waits for approval by owners"),
    (pb.Record(state=S.STATE_EXPIRED), "Expired: no bot answered; nothing was run"),
    (pb.Record(state=S.STATE_DENIED, reason="no rule permits it for cy"), "Denied: no rule permits it for cy"),
    (pb.Record(state=S.STATE_REJECTED, by="bo", reason="not on a Friday"), "Rejected by bo (not on a Friday)"),
    (pb.Record(state=S.STATE_CANCELLED, by="bo"), "Cancelled by bo"),
    (
        pb.Record(state=S.STATE_UNKNOWN, reason="its worker was lost after it had started; it was not run again"),
        "UNKNOWN: its worker was lost after it had started; it was not run again.",
    ),
    (pb.Record(state=S.STATE_UNKNOWN, reason="it broke"), "UNKNOWN: it broke. It was not run again."),
    (pb.Record(state=S.STATE_RESOLVED_SUCCEEDED, by="ann"), "Resolved by ann: it happened"),
    (
        pb.Record(state=S.STATE_RESOLVED_FAILED, reason="found out by the bot's probe"),
        "Resolved: it did not happen (found out by the bot's probe)",
    ),
    (pb.Record(state=S.STATE_TOMBSTONE, reason="the bus did not answer"), "Not accepted: the bus did not answer"),
    (pb.Record(state=S.STATE_FAILED, reason="no such die"), "no such die"),
]


@pytest.mark.parametrize(("record", "words"), WORDS, ids=[S.Name(record.state) + words[:12] for record, words in WORDS])
def test_each_state_is_told_in_words(record: pb.Record, words: str) -> None:
    """People read why a command stands where it stands, and need know no protocol."""
    assert cards.card(shown(record)).reason == words


def test_every_state_has_words_or_none_by_choice() -> None:
    """A new state is not forgotten: only those that explain themselves go without."""
    silent = {S.STATE_UNSPECIFIED, S.STATE_RECEIVED, S.STATE_CLAIMED, S.STATE_STARTED, S.STATE_STEP}
    silent |= {S.STATE_SUCCEEDED, S.STATE_FAILED}
    assert {state for state in S.values() if not cards.words(pb.Record(state=state))} == silent


@pytest.mark.parametrize(
    ("author", "record", "writer"),
    [
        (Author.RUN, pb.Record(state=S.STATE_RECEIVED), "the gateway"),
        (Author.RUN, pb.Record(state=S.STATE_APPROVED, by="bo"), "bo"),
        (Author.BOT, pb.Record(state=S.STATE_STARTED, worker="w1"), "w1"),
        (Author.BOT, pb.Record(state=S.STATE_QUEUED), "the bot"),
        (Author.RUN, pb.Record(state=S.STATE_READY, worker="w1"), "the reaper"),
        (Author.REAPER, pb.Record(state=S.STATE_UNKNOWN, worker="w1"), "the reaper"),
        (Author.GATEWAY, pb.Record(state=S.STATE_RESOLVED_FAILED, worker="w1", by="ann"), "ann"),
    ],
)
def test_whoever_wrote_a_record_is_named(author: Author, record: pb.Record, writer: str) -> None:
    """Not the worker that was lost, which later records still carry."""
    assert cards.writer(author, record) == writer


def test_a_step_is_named_with_its_place() -> None:
    """The card of a command in steps says which one is on."""
    steps = [pb.StepRecord(name=name, effect=options.EFFECT_ONCE) for name in ("boots", "rope", "top")]
    steps[0].state, steps[1].state = pb.STEP_STATE_DONE, pb.STEP_STATE_STARTED
    assert cards.words(pb.Record(state=S.STATE_STEP, epoch=1, steps=steps)) == "Step 2 of 3: rope"


def test_progress_shows_until_the_answer_stands() -> None:
    """While a command runs its newest blocks show; its answer then takes their place."""
    said = cards.Attempt()
    said.add(pb.ProgressRecord(index=1, blocks=[bar("halfway")]))
    running = cards.card(shown(pb.Record(state=S.STATE_STARTED), said=said))
    assert [block.progress.text for block in running.blocks] == ["halfway"]
    outcome = pb.Outcome(reply=chat.Reply(blocks=[text("done")]))
    assert list(cards.card(shown(pb.Record(state=S.STATE_SUCCEEDED, outcome=outcome), said=said)).blocks) == [text("done")]


def test_a_command_that_ends_without_an_answer_keeps_what_it_said_but_no_bar() -> None:
    """A bar that stands still for ever would lie."""
    said = cards.Attempt(1, [text("so far"), bar("halfway")])
    assert list(cards.card(shown(pb.Record(state=S.STATE_UNKNOWN), said=said)).blocks) == [text("so far")]


def test_an_answer_in_a_blob_shows_once_it_is_loaded() -> None:
    """Until then nothing older is shown in its place."""
    record = pb.Record(state=S.STATE_SUCCEEDED, outcome=pb.Outcome(reply_blob=chat.BlobRef(owner="practice", sha256="0" * 64)))
    said = cards.Attempt(1, [text("old")])
    assert not cards.card(shown(record, said=said)).blocks
    loaded = cards.card(shown(record, said=said, reply=chat.Reply(blocks=[text("long")])))
    assert list(loaded.blocks) == [text("long")]


def test_old_progress_never_takes_the_place_of_new() -> None:
    """Records may come twice or late."""
    said = cards.Attempt()
    assert said.add(pb.ProgressRecord(index=2, blocks=[bar("two")]))
    assert not said.add(pb.ProgressRecord(index=1, blocks=[bar("one")]))
    assert not said.add(pb.ProgressRecord(index=2, blocks=[bar("two again")]))
    assert [block.progress.text for block in said.blocks] == ["two"]


def test_a_failure_bears_the_trace_that_tells_the_rest() -> None:
    """The person can hand the id to whoever reads the logs."""
    outcome = pb.Outcome(reply=chat.Reply(blocks=[chat.Block(failure=chat.Failure(text="no"))]))
    made = cards.card(shown(World().record(S.STATE_FAILED, outcome=outcome)))
    assert made.blocks[0].failure.trace_id == TRACE
    assert not outcome.reply.blocks[0].failure.trace_id, "the record itself is left as it is"


@pytest.mark.parametrize("context", ["", "00-short-1-01", "nonsense", "00-" + "g" * 3])
def test_a_broken_trace_context_is_no_trace(context: str) -> None:
    """What comes from outside may be anything."""
    assert cards.trace_id(context) == ""


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (pb.Principal(person="ann"), "ann"),
        (pb.Principal(bot="oncall"), "oncall"),
        (pb.Principal(timer=pb.TimerPrincipal(name="nightly", person="bo")), "bo"),
        (pb.Principal(), ""),
    ],
)
def test_the_card_names_on_whose_behalf(who: pb.Principal, name: str) -> None:
    """A timer's command is under the person who set it."""
    assert cards.principal(who) == name


def piped(stage: int, *pipe: str, **more: object) -> cards.Shown:
    envelope = pb.Envelope()
    envelope.CopyFrom(ENVELOPE)
    envelope.MergeFrom(pb.Envelope(stage=stage, pipe=pipe))
    return cards.Shown(KEY, envelope, **more)  # type: ignore[arg-type]


def test_the_card_of_a_pipe_shows_the_whole_line() -> None:
    """Each stage says which it is, of how many."""
    first = cards.card(piped(0, "practice total", record=pb.Record(state=S.STATE_RECEIVED), sequence=7))
    assert first.line.endswith(" | practice total")
    assert (first.stage, first.stages) == (0, 2)
    last = cards.card(piped(1, record=pb.Record(state=S.STATE_SUCCEEDED), sequence=8))
    assert (last.stage, last.stages, last.reason) == (1, 2, "")


def test_a_stage_that_fails_says_that_the_pipe_ended_there() -> None:
    """With what went wrong."""
    made = cards.card(piped(1, "c", record=pb.Record(state=S.STATE_FAILED, reason="no table"), sequence=8))
    assert made.reason == "The pipe ended at stage 2 of 3. no table"


def test_a_rehearsal_is_marked() -> None:
    """Plainly."""
    envelope = pb.Envelope(id=KEY.id, rehearsal=True)
    assert cards.card(cards.Shown(KEY, envelope, pb.Record(state=S.STATE_RECEIVED), 7)).rehearsal


@pytest.mark.parametrize(
    ("cancellable", "record", "shown_so"),
    [
        (False, pb.Record(state=S.STATE_CLAIMED), True),
        (False, pb.Record(state=S.STATE_STEP, started=True), False),
        (True, pb.Record(state=S.STATE_STARTED, started=True), True),
        (True, pb.Record(state=S.STATE_SUCCEEDED, started=True), False),
    ],
)
def test_what_can_be_cancelled_says_so(cancellable: bool, record: pb.Record, shown_so: bool) -> None:
    """Before it has started everything can; nobody is offered what would be refused."""
    envelope = pb.Envelope(id=KEY.id, cancellable=cancellable)
    assert cards.card(cards.Shown(KEY, envelope, record, 7)).cancellable is shown_so
