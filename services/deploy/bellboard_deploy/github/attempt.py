"""One deploy by way of GitHub: begun once, followed to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from bellboard import Failed, ProviderError
from bellboard.telemetry import logs, names

from ..providers import Version
from .client import GitHubError
from .records import Record, Records, State
from .workflow import Run, Workflow

FAULTS = 6
"""How many questions in a row may fail in passing while a run is followed."""

APPEARS = 120.0
"""Seconds within which a run can be seen after it was started."""

STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks, and how long it may take in all."""

    pause: float
    seconds: float


class Attempt:
    """A deploy of one key. Nothing in GitHub is begun twice for the same key.

    ``queued`` is said before the workflow is started: a Deployment that has a state may have a run, and gets no other.
    """

    def __init__(self, records: Records, workflow: Workflow | None, record: Record, pace: Pace) -> None:
        self.record, self._records, self._workflow, self._pace = record, records, workflow, pace
        self._run_id: int | None = None
        self._seen: Run | None = None

    async def begin(self, version: Version, key: str, environment: str) -> None:
        """Start the workflow, unless that was done before.

        Raises:
            Failed: it was not started.
            GitHubError: it is not known whether it was started before.
        """
        if self._workflow is None:
            return
        if await self._records.states(self.record):
            return
        try:
            await self._records.say(self.record, "queued", "the workflow is being started")
        except GitHubError as error:
            raise Failed(error.text, hint=error.hint) from error
        inputs = {"version": version.name, "sha": version.digest, "environment": environment, "bellboard": key}
        try:
            self._run_id = await self._workflow.start(inputs)
        except GitHubError as error:
            if error.passing:
                return  # it may have been started: its name will tell
            await self._say("failure", "the workflow could not be started")
            raise Failed(error.text, hint=error.hint) from error

    async def follow(self, key: str) -> AsyncGenerator[Run, None]:
        """How it is doing whenever that changes; the last one is over.

        Raises:
            ProviderError: it can't be known any more, or takes too long.
        """
        began, faults = time.monotonic(), 0
        while True:
            try:
                run = await self._look(key)
                faults = 0
            except GitHubError as error:
                faults += 1
                if faults == FAULTS or not error.passing:
                    raise
                run = self._seen
            waited = time.monotonic() - began
            if run is None and self._workflow is not None and waited > APPEARS:
                raise ProviderError("GitHub shows no run of the workflow", hint="has it a run-name with the input bellboard?")
            if run is not None and run != self._seen:
                if run.status == "in_progress":
                    await self._say("in_progress", "the workflow runs")
                self._seen = run
                yield run
            if run is not None and run.status == "completed":
                return
            if waited > self._pace.seconds:
                raise ProviderError(f"GitHub's deployment {self.record.id} takes longer than {self._pace.seconds:g} s")
            await asyncio.sleep(self._pace.pause * (1 + faults))

    async def end(self, run: Run) -> None:
        """Say what became of it."""
        await self._say("success" if run.conclusion == "success" else "failure", f"the workflow: {run.conclusion}")

    async def stop(self) -> None:
        """Have the workflow end early, and say so. What can't be stopped goes on."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                id = self._run_id or (self._seen.id if self._seen else None)
                if self._workflow is not None and id is not None:
                    await self._workflow.cancel(id)
                await self._say("inactive", "stopped")
        except (GitHubError, TimeoutError) as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command="", bot="deploy")

    async def _look(self, key: str) -> Run | None:
        if self._workflow is None:
            outcome = await self._records.outcome(self.record)
            if outcome is not None:
                return Run(self.record.id, "completed", "success" if outcome.happened else "failure", outcome.link)
            states = await self._records.states(self.record)
            return Run(self.record.id, states[0] if states else "queued", "", "")
        if self._run_id is not None:
            return await self._workflow.run(self._run_id)
        return await self._workflow.named(key)

    async def _say(self, state: State, text: str) -> None:
        """Say a state where this starts the work; a record that lags behind is no reason to stop."""
        if self._workflow is None:
            return
        try:
            await self._records.say(self.record, state, text)
        except GitHubError as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command="", bot="deploy")
