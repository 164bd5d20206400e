"""The manifest and the rules it must obey."""
