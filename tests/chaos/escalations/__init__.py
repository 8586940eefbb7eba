"""Escalations under kill -9 of everything: each message is sent once, or called uncertain on the card of its page."""
