"""A simulator that tries to break the ledger's procedures.

The procedures of gateway, worker and reaper run as shipped, on a model of the bus and a virtual clock. Requests are lost,
doubled, delayed and answered late or never; reads are stale; workers, gateways and reapers crash and stall at any
operation. All of it follows from one seed, so a history that breaks an invariant can be played again:

    python -m tests.chaos.simulator --histories 100000 --seed 1
    python -m tests.chaos.simulator --replay 1234567

`world` holds clock and actors, `bus` the bus, `workers`, `gateways` and `reapers` those who follow the procedures,
`invariants` what must hold, `scenario` what a history is about, `runner` many of them.
"""
