"""The night: run, store, compare with history, confirm, alert, report; killed anywhere it goes on.

`run` goes through the steps, `Journal` remembers which are done, `Config` is what people write.
"""
