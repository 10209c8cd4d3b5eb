"""Which columns no staff page reads. A page that needs to know of one asks the database whether it is empty.

Knows names of columns; nothing of pages.
"""

OF_CONNECTION = ("access_token", "pin")
OF_SIGNUP = ("access_token", "embedded_signup_state")


def within(relation: str, columns: tuple[str, ...]) -> list[str]:
    """The same columns, seen from a row that leads to theirs."""
    return [f"{relation}__{column}" for column in columns]
