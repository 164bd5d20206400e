"""Blocks that models and tasks share."""
