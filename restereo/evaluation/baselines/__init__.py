"""Predictors without training; every file has `build() -> Predictor`."""
