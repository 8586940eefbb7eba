"""The ledger: where every command and each change of its state stands.

`state` says which states there are, `subjects` where their records stand, `ops` what procedures ask of the world; `gate`,
`work` and `reap` are the procedures of gateway, worker and reaper; `store` keeps records on JetStream.
"""
