"""`python -m tests.ablation`: what each part of the cross-view network is worth at the same data and time."""
