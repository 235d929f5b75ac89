"""The engine of `nexport_campus.export` and `nexport export`.

An export works in an SQLite file next to its target, the state file (`database`). Each page and each response is stored
in one transaction together with the progress (`checkpoint`), so an interrupted export resumes where it stopped, and a row
that is fetched twice replaces itself. At the end, all rows are published in one transaction (`completed_rows`); a file is
then written in full (`stored_rows`, `writers`) and moved into place (`target`), unless it would stay the same.

`request` and `output` describe an export, and `options` checks them. `queries` and `fetch_enrollments` find the
enrollments, `children` and `fetch_children` fetch the records that belong to them, and `engine` runs the whole export.
"""
