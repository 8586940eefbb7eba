"""How lines get into the embedded store: followed files, Loki's push API, syslog."""
