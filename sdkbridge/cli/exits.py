"""
Exit codes, and the one way in which a command fails.
"""

import click

FAILED = 1
REFUSED = 3
INTERRUPTED = 130


class Failure(click.ClickException):
    """
    Something that the user can mend: one sentence on stderr, exit code 1.
    """

    exit_code = FAILED
