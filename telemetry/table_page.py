"""The page about the tables: `python -m telemetry.table_page > docs/tables.md`."""

import sys

from telemetry.tables import SCHEMA_VERSION, TABLES

_TOP = """# Tables

What a run leaves behind, schema version %s. Each table is a Delta table in `tables/NAME/` of the run folder (of the
store, where the collection server has a folder of its own), and a view of that name in `telemetry.open_run(path)`:

```sh
outrider sql RUN "SELECT trigger, count(*) AS fires FROM fires GROUP BY trigger"
```

Whatever reads Delta reads a run folder without our code; a published store is the same in a bucket, and
`telemetry.open_store(url)` opens either. A column is null where it says so, and a signal where it was not valid.
`received` is null in rows that a server of schema version 1 wrote. A clip that retention lets go loses its row and then
its file: every row of `clips` has its file, and what other tables say of a clip by its id may outlive it. This page is
printed by `python -m telemetry.table_page`.
"""


def page() -> str:
    """Every table and column, as Markdown."""
    parts = [_TOP % SCHEMA_VERSION]
    for name, table in TABLES.items():
        rows = [f"| `{column}` | {c.type} | {c.unit} | {c.says} |\n" for column, c in table.on_disk.items()]
        parts += [f"## {name}\n\n{table.says}\n\n| column | type | unit | says |\n|---|---|---|---|\n{''.join(rows)}"]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
