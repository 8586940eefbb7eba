"""What can be seen from outside: logs, metrics, spans, health. Every name is declared in `names`."""
