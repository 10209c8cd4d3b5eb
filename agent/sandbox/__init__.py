"""A make-believe Messages API: Anthropic's wire without a model behind it; fails on demand."""
