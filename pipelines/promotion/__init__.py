"""Which model of a task is in use: comparison, decision, log of decisions, aliases, rollback."""
