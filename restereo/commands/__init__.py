"""The commands of `restereo`, by what they are for, and the options that several have."""
