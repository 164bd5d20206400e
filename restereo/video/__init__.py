"""Films: read, restored frame by frame, held steady, written; one that was killed goes on where it was."""
