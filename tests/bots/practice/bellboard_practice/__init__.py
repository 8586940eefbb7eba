"""The practice bot: commands whose effects can be counted from outside Bellboard."""
