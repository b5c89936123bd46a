"""The service: a REST API and web pages over the coder and its state. The only package that imports Litestar."""
