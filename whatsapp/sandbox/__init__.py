"""A make-believe Meta for trying and testing the product without an account.

Knows nothing of the product but how a webhook is signed.
"""
