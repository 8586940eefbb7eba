"""The incidents bot."""
