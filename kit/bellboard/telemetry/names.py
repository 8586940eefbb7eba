"""Every log event, metric and span name, declared once. A test holds docs/signals.md against this file."""

from __future__ import annotations

from dataclasses import dataclass
from logging import ERROR, INFO, WARNING

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A kind of log line: a dotted name, a level of `logging`, and what it means in one line."""

    name: str
    level: int
    help: str


@dataclass(frozen=True, slots=True)
class SpanName:
    """A kind of span, and what it covers in one line."""

    name: str
    help: str


# --- log events ---
BUS_CONNECTED = LogEvent("bus.connected", INFO, "The bus was reached, for the first time or again.")
BUS_LOST = LogEvent("bus.lost", WARNING, "The bus can't be reached; it is tried again.")
BUS_DENIED = LogEvent("bus.denied", ERROR, "The bus refused a publish or subscribe; the account's permissions are wrong.")
BUS_CLOSED = LogEvent("bus.closed", ERROR, "The connection to the bus is lost for good; the process has to start anew.")
BUS_SLOW = LogEvent("bus.slow", ERROR, "Messages were dropped because nobody took them in time.")
BUS_HOPPED = LogEvent(
    "bus.hopped", WARNING, "The server answered nothing, as one that is cut off from its cluster; another is tried."
)
BUS_ACK_LOST = LogEvent("bus.ack_lost", WARNING, "The bus did not note that a message is done with; it will come again.")
BUS_PULL_STALLED = LogEvent("bus.pull_stalled", WARNING, "The heartbeat of a pull stayed away; it is asked for again.")
BUS_FOLLOW_RETRIED = LogEvent("bus.follow_retried", WARNING, "A stream could not be followed; it is tried again.")
LEDGER_GARBAGE = LogEvent("ledger.garbage", ERROR, "What stands in the ledger is no record.")
HISTORY_DOUBTED = LogEvent(
    "history.doubted", WARNING, "A record that was seen can't be found in the ledger; it is looked for again."
)
HISTORY_LOST = LogEvent(
    "history.lost", ERROR, "SAFE MODE: the bus has lost history; nothing but READs is run until an owner accepts what is left."
)
HISTORY_ACCEPTED = LogEvent("history.accepted", WARNING, "A person accepted what is left of the history; commands run again.")
HISTORY_NOT_KEPT = LogEvent("history.not_kept", ERROR, "The newest record that was seen could not be kept on disk.")
MARK_GARBAGE = LogEvent("marks.garbage", WARNING, "A bot wrote what is no mark where its marks stand; it is left out.")
SPANS_NOT_SENT = LogEvent("spans.not_sent", WARNING, "The collector did not take these spans; they are dropped.")
COMMAND_REFUSED = LogEvent("command.refused", WARNING, "A message on a bot's queue is no command for it; it was dropped.")
COMMAND_LATE = LogEvent("command.handed_back", INFO, "A command was handed back, for another worker or another time.")
COMMAND_ENDED = LogEvent("command.ended", INFO, "A worker brought a command to a final state.")
RESULT_TOO_LARGE = LogEvent("command.result_too_large", WARNING, "What a command answered was too large to keep.")
NOT_ANNOUNCED = LogEvent("contract.not_announced", ERROR, "The bus did not take the bot's contract; nobody can call it.")
SERVICE_READY = LogEvent("service.ready", INFO, "The service takes work; the line holds its health port.")
SERVICE_DRAINING = LogEvent("service.draining", INFO, "The service takes no more work, and finishes what it has.")
SERVICE_STOPPED = LogEvent("service.stopped", INFO, "The service ends.")
REAPER_VERDICT = LogEvent("reaper.verdict", INFO, "The reaper moved a command that nobody moved any more.")
REAPER_CURRENT = LogEvent("reaper.current", INFO, "The reaper has read the ledger to its end, and judges from now on.")
REAPER_PAUSED = LogEvent("reaper.paused", WARNING, "The reaper or its bus stood still; it measures anew before it judges.")
HANDLER_FAILED = LogEvent("handler.failed", WARNING, "A command ended because an outside system did not do what was asked.")
BOARD_UNREADABLE = LogEvent("board.unreadable", WARNING, "A record, a line or a blob could not be read; it is not shown.")
SIGNED_IN = LogEvent("web.signed_in", INFO, "A person signed in at a browser.")
SIGN_IN_REFUSED = LogEvent("web.sign_in_refused", WARNING, "A one-time link or a token was not right.")
FILE_REFUSED = LogEvent("file.refused", ERROR, "A file that people edit is wrong; what it said before stays in force.")
FILE_RELOADED = LogEvent("file.reloaded", INFO, "A file that people edit has changed, and is in force.")
POLICY_FAILED = LogEvent("policy.failed", ERROR, "A request could not be judged; it was denied.")
CONTRACT_ADMITTED = LogEvent("contract.admitted", INFO, "A bot's contract is known; its commands can be typed.")
CONTRACT_REFUSED = LogEvent("contract.refused", ERROR, "A bot's contract was refused; the line says why.")
BOT_CAME = LogEvent("bot.came", INFO, "A replica of a bot is there.")
BOT_GONE = LogEvent("bot.gone", WARNING, "A replica of a bot is gone.")
LINE_UNCONFIRMED = LogEvent("line.unconfirmed", WARNING, "The bus did not say whether it took a command; it is found out.")
LINE_SETTLED = LogEvent("line.settled", INFO, "What became of an unconfirmed command is known.")
DOOR_REFUSED = LogEvent("door.refused", WARNING, "A bot asked for a command that it may not have; the line says why.")
HOOK_REFUSED = LogEvent(
    "hook.refused", WARNING, "A request to a webhook was not let in; the line says why, and shows no secret."
)
HOOK_WAITS = LogEvent("hook.waits", WARNING, "What came in at a webhook can't be handed over; it is kept, and tried again.")
HOOK_GIVEN_UP = LogEvent("hook.given_up", ERROR, "A bot failed at one delivery of a webhook again and again; the next come.")
TICK_FAILED = LogEvent("tick.failed", ERROR, "What is to run again and again could not be brought into the ledger.")
PAGE_SENT = LogEvent("page.sent", INFO, "A message of a page was sent.")
PAGE_NOT_SENT = LogEvent(
    "page.not_sent", WARNING, "A message of a page was not sent, or nobody knows whether it was; the line says which."
)
UNEXPECTED = LogEvent("unexpected", ERROR, "An error nobody foresaw; the line holds its traceback.")
LOGS_NOT_STORED = LogEvent("logs.not_stored", ERROR, "The store of lines could not be written; who sent them is told.")
LOGS_FILE_UNREADABLE = LogEvent(
    "logs.file_unreadable", WARNING, "A followed file could not be read or stored; it is tried again."
)
LOGS_DROPPED = LogEvent("logs.dropped", WARNING, "Syslog messages came faster than they could be stored, or at a bad time.")
METRICS_NOT_KEPT = LogEvent("metrics.not_kept", WARNING, "A round of metrics could not be kept; the next one is tried.")
ALERTS_BAD = LogEvent("alerts.bad", WARNING, "Some of what came in at a webhook names no alerts; the rest was taken.")
TRUST_UNREADABLE = LogEvent("trust.unreadable", ERROR, "The file of trusted keys can't be read; the keys read before stay.")
OBJECT_MADE = LogEvent("object.made", INFO, "A Secret or a ConfigMap was made; the line names its keys.")
OBJECT_CHANGED = LogEvent(
    "object.changed", INFO, "A Secret was completed, or a ConfigMap has changed; the line names the keys."
)
PROVISION_WAITS = LogEvent("provision.waits", WARNING, "The bus does not take a team's streams yet; it is tried again.")
STREAMS_PROVISIONED = LogEvent("provision.streams", INFO, "A team's streams and consumers are what they should be.")
PROVISION_FAILED = LogEvent(
    "provision.failed", ERROR, "Not everything could be provisioned; done again, it goes on from there."
)
ACCOUNTS_TOLD = LogEvent("accounts.told", INFO, "The server was told to read its accounts and its certificate again.")
ACCOUNTS_NOT_TOLD = LogEvent(
    "accounts.not_told", WARNING, "No server runs that could be told of its accounts; one is waited for."
)

# --- metrics ---
_buckets = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Buckets of every histogram of time."""

CAS_CONFLICTS = Counter("bellboard_ledger_conflicts_total", "Ledger writes that another record came before.", ["role"])
SAFE_MODE = Gauge("bellboard_safe_mode", "1 while nothing but READs is run, because the bus has lost history.")
BUS_UP = Gauge("bellboard_bus_connected", "1 while the bus can be reached.")
BUS_RECONNECTS = Counter("bellboard_bus_reconnects_total", "Times the bus was reached again.")
BUS_STORE_SECONDS = Histogram("bellboard_bus_store_seconds", "From publishing a message to knowing that it is stored.")
BUS_UNCONFIRMED = Counter("bellboard_bus_unconfirmed_total", "Requests that the bus did not answer in time.")
BUS_DROPPED = Counter("bellboard_bus_dropped_total", "Messages dropped because nobody took them in time.")
PULLS_ASKED_AGAIN = Counter("bellboard_bus_pulls_asked_again_total", "Pulls whose heartbeat stayed away.")
REDELIVERIES = Counter("bellboard_bus_redeliveries_total", "Messages that were handed out more than once.", ["consumer"])
BUILD_INFO = Gauge("bellboard_build_info", "Always 1; the labels say what runs.", ["component", "version", "python"])
EVENTS = Counter("bellboard_events_total", "Log events of the level WARNING and above, written or not.", ["event"])
COMMANDS = Counter("bellboard_commands_total", "Commands that a worker brought to a final state.", ["bot", "verb", "state"])
QUEUE_WAIT = Histogram("bellboard_queue_wait_seconds", "From a line's arrival to its first run.", ["bot"], buckets=_buckets)
RUN_TIME = Histogram("bellboard_run_seconds", "How long a handler ran.", ["bot", "verb"], buckets=_buckets)
IN_FLIGHT = Gauge("bellboard_commands_in_flight", "Commands that this process works on.", ["bot"])
REFUSED = Counter(
    "bellboard_refused_messages_total", "Messages on a bot's queue that are none of its commands.", ["bot", "reason"]
)
HANDED_BACK = Counter("bellboard_handed_back_total", "Commands that were handed back for later.", ["bot", "reason"])
REAPER_VERDICTS = Counter("bellboard_reaper_verdicts_total", "Commands that the reaper moved.", ["bot", "state"])
REAPER_SEES = Gauge("bellboard_reaper_current", "1 while the reaper has seen all that the bus holds; it judges only then.")
BEGUN = Counter("bellboard_ledger_begun_total", "Commands that came into the ledger, as the reaper sees it.", ["bot"])
ENDED = Counter(
    "bellboard_ledger_ended_total",
    "Final records in the ledger, as the reaper sees it; fault is yes where the house or a bot let people down.",
    ["bot", "effect", "state", "fault"],
)
OPEN = Gauge(
    "bellboard_open_commands",
    "Commands that are not out of the way, as the reaper sees it: waiting for a worker, running, in a turn's line, "
    "waiting for approval, or unknown.",
    ["bot", "stage"],
)
OLDEST_WAITING = Gauge(
    "bellboard_oldest_waiting_seconds", "Age of the oldest offer of a command that no worker has taken yet.", ["bot"]
)
STORE_BYTES = Gauge("bellboard_store_bytes", "Bytes that the team's streams take on disk, each copy counted.")
STORE_LIMIT = Gauge("bellboard_store_limit_bytes", "Bytes that they may take; 0 where the team's account has no limit.")
STREAM_BYTES = Gauge("bellboard_stream_bytes", "Bytes in a stream, counted once.", ["stream"])
STREAM_MESSAGES = Gauge("bellboard_stream_messages", "Messages in a stream.", ["stream"])
STREAM_COPIES = Gauge("bellboard_stream_copies", "Servers that hold all of a stream now; 0 while it has no leader.", ["stream"])
STREAM_WANTED = Gauge("bellboard_stream_copies_wanted", "Servers that are to hold a stream.", ["stream"])
REPLICAS = Gauge("bellboard_bot_replicas", "Replicas of an enrolled bot that are there and take work.", ["bot"])
LINES = Counter("bellboard_lines_total", "Lines that came in, by what became of them.", ["outcome"])
HEARD = Counter("bellboard_helpers_total", "Times that a helper stepped in, or offered to.", ["helper"])
POLICY_ERRORS = Counter("bellboard_policy_errors_total", "Requests that could not be judged, and were denied.")
CONTRACTS_REFUSED = Counter("bellboard_contracts_refused_total", "Contracts that were refused.", ["bot"])
SPANS_DROPPED = Counter("bellboard_spans_dropped_total", "Spans that could not be kept or sent.")
LINE_TO_CARD = Histogram(
    "bellboard_line_to_card_seconds", "From a line's arrival to its final card.", ["bot", "effect"], buckets=_buckets
)
METRICS_KEPT = Counter("bellboard_graphs_samples_total", "Samples that the embedded store of metrics took.", ["source"])
HOOK_REQUESTS = Counter("bellboard_hook_requests_total", "Requests to webhooks, by what became of them.", ["hook", "outcome"])
HOOK_BATCHES = Counter(
    "bellboard_hook_batches_total", "Commands that took in webhooks' deliveries, by state.", ["hook", "state"]
)
HOOK_OLDEST = Gauge("bellboard_hook_oldest_seconds", "Age of the oldest delivery that its bot has not taken yet.", ["hook"])
TIMERS_WAITING = Gauge("bellboard_timers", "Timers of bots that wait for their moment.")
TIMER_LATE = Histogram("bellboard_timer_late_seconds", "From a timer's moment to its command.", ["bot"], buckets=_buckets)
ALERTS_TAKEN = Counter("bellboard_alerts_total", "Words about alerts that came in, by what they say.", ["hook", "outcome"])
ALERTS_DUE = Gauge("bellboard_alerts_due", "Groups of alerts whose cards are behind.")
PAGE_MESSAGES = Counter("bellboard_page_messages_total", "Messages of pages, by what became of each try.", ["how", "fate"])
BROWSERS = Gauge("bellboard_web_browsers", "Browsers that are connected.")

# --- spans ---
SPAN_COMMAND = SpanName("command", "A command, from its line to its final state.")
SPAN_APPROVAL = SpanName("approval", "A command waits for someone to approve it.")
SPAN_WAIT = SpanName("wait", "A command waits for a worker.")
SPAN_TURN = SpanName("turn", "A command waits for another one to finish.")
SPAN_RUN = SpanName("run", "One attempt of a worker to run a command.")
SPAN_STEP = SpanName("step", "One step of a command; the step's name follows.")
SPAN_CALL = SpanName("call", "A bot's call of an outside system; the call's name follows.")
SPAN_CARD = SpanName("card", "From a command's final record to its card on a gateway.")

LOGS = {value.name: value for value in list(globals().values()) if isinstance(value, LogEvent)}
SPANS = {value.name: value for value in list(globals().values()) if isinstance(value, SpanName)}
METRICS = [value for value in list(globals().values()) if isinstance(value, MetricWrapperBase)]
