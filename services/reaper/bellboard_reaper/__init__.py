"""The reaper: finds commands whose workers were lost, and says so."""
