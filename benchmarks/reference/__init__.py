"""What the product is compared with: a plain Django view that does HMAC, JSON and one INSERT, on the same server."""
