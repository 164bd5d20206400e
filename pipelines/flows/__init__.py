"""Prefect: the flows that are derived from the DVC graph, their deployments and pages."""
