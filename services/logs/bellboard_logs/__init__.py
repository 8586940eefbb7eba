"""The logs bot: what the apps said."""
