"""The staff's pages for what was said: conversations as a chat, customers, messages, media, Meta's events, jobs.

Reads only, newest first, and counts nothing: these tables grow with every message of every tenant.
"""

from conversations.admin import attachments, conversations, events, jobs, messages, people, statuses

__all__ = ["attachments", "conversations", "events", "jobs", "messages", "people", "statuses"]
