"""MLflow: client, import of runs, registry and aliases, serving. No other package imports it."""
