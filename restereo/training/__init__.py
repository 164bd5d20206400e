"""The loop, its objectives, its data, its checkpoint and the run folder it writes."""
