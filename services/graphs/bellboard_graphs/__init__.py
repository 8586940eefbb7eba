"""The graphs bot: graphs of what is measured, and what can be done with any table."""
