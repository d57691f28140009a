"""The memory of the lab: a store of nights at any fsspec URL, and the series over them.

`Store` keeps documents that never change, `Log` what happened in order, `publish` and `fetch`
move whole runs, `series` reads every night of them back.
"""
