"""Adapters: each brings lines in from one chat system, and shows cards there. `web` is the room that comes with the house."""
