"""`bell doctor --kube`: what is broken in a release of the chart, in one line each.

`release` reads what there should be, `workloads` and `keys` hold the cluster against it, `said` reads what services wrote.
"""
