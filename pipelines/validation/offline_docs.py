"""Data Docs that need no network: what Great Expectations' pages fetch from elsewhere is cut out or replaced.

Its pages take their look, their tables and a logo (with the time in the address) from seven foreign servers;
without them the index page is empty.
"""

import re
from pathlib import Path

PAGE = Path(__file__).parent / "data_docs.html"

_FOREIGN = (
    r"<link\b[^>]*\bhref=\"https?://[^>]*>",
    r"<script\b[^>]*\bsrc=\"https?://[^>]*>\s*</script>",
    r"<img\b[^>]*\bsrc=\"https?://[^>]*>",
    r"<footer\b.*?</footer>",
    r"background:\s*url\('https?://[^;]*;",
)


def make_offline(folder: Path) -> None:
    """Rewrites the pages below `folder`, and makes `index.html` lead to the one result."""
    head = PAGE.read_text(encoding="utf-8")
    for page in folder.rglob("*.html"):
        page.write_text(offline(page.read_text(encoding="utf-8"), head), encoding="utf-8")
    for result in folder.glob("validations/**/*.html"):
        there = result.relative_to(folder).as_posix()
        link = f'<!DOCTYPE html><meta http-equiv="refresh" content="0; url={there}"><a href="{there}">Data Docs</a>\n'
        (folder / "index.html").write_text(link, encoding="utf-8")


def offline(page: str, head: str) -> str:
    """Returns the page without what is fetched from other servers, `head` standing at the end of its head.

    Example:
        >>> offline('<head><script src="https://a.b/c.js"></script></head><body>d</body>', "<style></style>")
        '<head><style></style></head><body>d</body>'
    """
    for pattern in _FOREIGN:
        page = re.sub(pattern, "", page, flags=re.DOTALL)
    return page.replace("</head>", head + "</head>", 1)
