"""Training: from coded texts to a bundle. The modules need the extra packages of `isco-rag[train]`; this file needs none."""

# The stages of a recipe (isco_rag.train.kitchen), each a method of the kitchen, in their order.
STAGES = ("tokenizer", "distil", "fine_tune", "words", "lists", "reranker")
