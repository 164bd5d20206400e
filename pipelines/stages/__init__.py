"""The DVC stages: one file each; stage = file = section of params.yaml = task of the Prefect flow."""
