"""The state of an installation: predictions kept, reviews, corrections, jobs, users, keys, settings and the audit trail.

Each module holds the functions of one noun. They take an open connection (isco_rag.store.database), so that a caller decides what
belongs into one transaction; what changes anything writes its audit row in the same transaction.
"""
