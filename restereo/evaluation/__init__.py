"""The protocol that measures any predictor, and the baselines it is measured beside."""
