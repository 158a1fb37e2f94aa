"""Reports in other forms become ``leadtime.report/1``, one for each thing that is reported, with the original in them.

Pure: bytes in, reports out. `import_reports` is the one way in; a file beside it for each family of forms.
"""

from leadtime.flow.intake.importing.forms import ReportForm, recognise_report
from leadtime.flow.intake.importing.read import import_reports
from leadtime.flow.intake.importing.records import Given, Imported, LeftOut, NotRead, ReadReport

__all__ = [
    "Given",
    "Imported",
    "LeftOut",
    "NotRead",
    "ReadReport",
    "ReportForm",
    "import_reports",
    "recognise_report",
]
