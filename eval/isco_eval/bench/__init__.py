"""The coder beside what else one could use, in one run on the same machine, rows and index: `python -m isco_eval.bench`.

It stands in the evaluation because it is one: it reads gold as `isco-rag eval` does and measures with the same functions. Each system runs in a
process of its own (worker.py), so that its memory is its own and no system warms another.
"""
