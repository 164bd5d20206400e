"""What results are unless a person says otherwise; here, because the command line says so without heavy libraries."""

from typing import Final

GLASSES: Final = "red-cyan-dubois"
"""Method of the anaglyph that is made of recovered views."""
QUALITY: Final = 95
"""Of JPEG files, always 4:4:4: 4:2:0 would mix what was just told apart."""
