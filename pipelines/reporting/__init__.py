"""The report page: from what the stages left to one self-contained HTML file."""
