"""The learning benchmark: a stream of corrections, what appending them brings, what retraining adds, and whether anything is forgotten.

python -m isco_eval.learning        all of it; goes on where it was cut off
"""
