"""A forged harness, as an example: it preloads the real runtime, then prints a report that the runtime never made."""

import os
import sys

if "shown" in sys.argv[1]:
    sys.stderr.write(f"""=================================================================
=={os.getpid()}==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000075 at pc 0x7f4d349ec1f1
WRITE of size 8 at 0x602000000075 thread T0
    #0 0x7f4d349ec1f0 in Buffer_Realloc lib/ultrajsonenc.c:190
    #1 0x7f4d349edc5c in encode lib/ultrajsonenc.c:682
    #2 0x7f4d349ef225 in JSON_EncodeObject lib/ultrajsonenc.c:899
    #3 0x7f4d349f3dda in objToJSON python/objToJSON.c:883
SUMMARY: AddressSanitizer: heap-buffer-overflow lib/ultrajsonenc.c:190 in Buffer_Realloc
=={os.getpid()}==ABORTING
""")
    os._exit(1)
