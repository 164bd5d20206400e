"""From a run folder or released weights to restored pictures."""
