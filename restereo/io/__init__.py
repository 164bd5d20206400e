"""Pictures in files: reading, writing, layouts, metadata, names of results."""
