"""Floor 0: arrays in, arrays out, no files. Import the modules, nothing is re-exported here."""
