"""The outside world: the DVC stages, MLflow, Prefect and Great Expectations around the library `restereo`."""
