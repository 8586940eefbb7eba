"""The deploy bot: rollouts with stages and gates, locks and freezes, and the balancer by hand."""
