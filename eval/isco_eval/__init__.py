"""How good the coder is: gold files coded, measured in DuckDB, with intervals."""
