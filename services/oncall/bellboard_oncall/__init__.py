"""The oncall bot."""
