"""books.py - the database as seed.py and audit.py see it: through psql, exactly.

Numbers come back as int or Fraction, never as a float. Python's standard library only.
"""
import json
import os
import subprocess
from fractions import Fraction


class DatabaseError(Exception):
    """What psql said."""


class Books:
    """One database. `read_only` makes every statement a read-only transaction."""

    def __init__(self, conninfo, read_only):
        self.conninfo = conninfo
        options = os.environ.get("PGOPTIONS", "")
        if read_only:
            options += " -c default_transaction_read_only=on"
        self.environment = dict(os.environ, PGOPTIONS=options, PGAPPNAME="pilesim")

    def run(self, sql, variables=None):
        """Runs SQL in one transaction; `:'name'` in it is a quoted variable."""
        command = ["psql", "-X", "-q", "-A", "-t", "-1", "-v", "ON_ERROR_STOP=1"]
        for name, value in (variables or {}).items():
            command += ["-v", f"{name}={value}"]
        try:
            done = subprocess.run(command + ["-d", self.conninfo], input=sql, text=True,
                                  capture_output=True, env=self.environment)
        except FileNotFoundError:
            raise DatabaseError("psql is not installed (package postgresql-client)") from None
        if done.returncode != 0:
            raise DatabaseError(done.stderr.strip())
        return done.stdout

    def rows(self, query):
        """The rows of a query as dicts."""
        text = self.run(f"SELECT row_to_json(t) FROM ({query}) t;")
        return [json.loads(line, parse_float=Fraction) for line in text.splitlines() if line]

    def value(self, query):
        return self.run(query).strip()


def minor(amount, exponent):
    """A decimal amount in minor units; None stays None."""
    if amount is None:
        return None
    scaled = Fraction(amount) * 10**exponent
    if scaled.denominator != 1:
        raise ValueError(f"{amount} has more than {exponent} decimals")
    return scaled.numerator
