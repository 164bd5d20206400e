"""A local page in the browser: drop an anaglyph, look at its views, download them."""
