"""restereo gives back the two full-colour views from which a 3D anaglyph was made."""

__version__ = "0.1.0"
