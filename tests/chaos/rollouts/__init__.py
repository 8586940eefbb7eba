"""kill -9 of the deploy bot's process at each point of a rollout, on a real small production with customers."""
