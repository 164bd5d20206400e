"""The rules as a suite of Great Expectations, and its Data Docs, which need no network.

The only file that imports great_expectations. Its pages take their look, their tables and a logo (with the time in the
address) from seven foreign servers; without them the index page is empty.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import pipelines.environment  # noqa: F401 - sets GX_ANALYTICS_ENABLED, which GX reads when it is imported.
from pipelines.validation.manifest import Row
from pipelines.validation.rules import Cells, Finding, Rule, Verdict, cells, rules
from restereo.config import Validate

PAGE = Path(__file__).parent / "data_docs.html"

_FOREIGN = (
    r"<link\b[^>]*\bhref=\"https?://[^>]*>",
    r"<script\b[^>]*\bsrc=\"https?://[^>]*>\s*</script>",
    r"<img\b[^>]*\bsrc=\"https?://[^>]*>",
    r"<footer\b.*?</footer>",
    r"background:\s*url\('https?://[^;]*;",
)


def check(rows: list[Row], limits: Validate, docs: Path) -> list[Verdict]:
    """Returns a verdict for each rule, and writes the Data Docs, replacing those of the last time."""
    import great_expectations as gx
    import great_expectations.expectations as library
    import pandas as pd

    shutil.rmtree(docs, ignore_errors=True)
    suite_rules, found = rules(limits), cells(rows, limits)
    places = [{"item": row.item, "files": row.pictures} for row in rows]
    table = [place | {name: cell.value for name, cell in row.items()} for place, row in zip(places, found, strict=True)]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    unused = context.variables.data_docs_sites["local_site"]["store_backend"]["base_directory"]
    context.delete_data_docs_site("local_site")
    shutil.rmtree(unused, ignore_errors=True)  # GX makes it in the system's temporary folder and leaves it there.
    context.add_data_docs_site("manifest", _site(docs))
    source = context.data_sources.add_pandas("restereo")
    batch = source.add_dataframe_asset("manifest").add_batch_definition_whole_dataframe("manifest")
    suite = gx.ExpectationSuite(name="manifest")
    for rule in suite_rules:
        described = {"severity": rule.severity, "description": f"{rule.description}; otherwise {rule.fix}."}
        suite.add_expectation(getattr(library, rule.expectation)(column=rule.name, **rule.arguments, **described))
    validation = gx.ValidationDefinition(name="manifest", data=batch, suite=context.suites.add(suite))
    checkpoint = gx.Checkpoint(
        name="validate",
        validation_definitions=[context.validation_definitions.add(validation)],
        actions=[gx.checkpoint.UpdateDataDocsAction(name="docs")],
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["item", "files"]},
    )
    outcome = context.checkpoints.add(checkpoint).run(
        batch_parameters={"dataframe": pd.DataFrame(table)},
        run_id=gx.RunIdentifier(run_name="validate"),
    )
    make_offline(docs)
    (result,) = outcome.run_results.values()
    by_rule = {one.expectation_config.kwargs["column"]: one for one in result.results}
    return [_verdict(rule, by_rule[rule.name], rows, found) for rule in suite_rules]


def _verdict(rule: Rule, result: Any, rows: list[Row], found: list[Cells]) -> Verdict:
    if result.exception_info.get("raised_exception"):
        raise RuntimeError(f"great_expectations could not check '{rule.name}': {result.exception_info}")
    broken = {one["item"]: _text(one[rule.name]) for one in result.result.get("unexpected_index_list") or []}
    files = {row.item: cells[rule.name].file or row.pictures for row, cells in zip(rows, found, strict=True)}
    return Verdict(rule, bool(result.success), {item: Finding(text, files[item]) for item, text in broken.items()})


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _site(folder: Path) -> dict[str, Any]:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": store,
        "site_index_builder": index,
    }


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
