"""PostgreSQL, everywhere: declaring tables, transactions with a viewer, and the embedded server.

Import `schema` to declare tables and `transaction` to use them; `connect` opens an installation's database.
"""

from leadtime.foundation.database.transaction import Database, Transaction

__all__ = ["Database", "Transaction"]
