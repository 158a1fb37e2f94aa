"""What everything speaks: ids, clock, digests, labels, access, keys, errors, database, settings.

Imports nothing of the product. Import from the module that names the thing
(``from leadtime.foundation.errors import Refused``).
"""
