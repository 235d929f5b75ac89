"""Exports: what `nexport export` does.

A run works in an SQLite file beside its target (`store`), in which every page and every answer is a transaction together
with how far the run has come. So it goes on where it was cut short, and a row that comes twice replaces itself. At the
end the rows take their place in one transaction (`published`); a file is then written whole (`writers`) and put in place (`target`).

`plan` is what is asked, `scans` and `walk` find the enrollments, `families` asks for what hangs on them, `run` does it all.
"""
