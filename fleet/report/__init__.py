"""What a run came to: one HTML page, and the questions one asks of its tables."""

from fleet.report.budget import write_budget
from fleet.report.exam import write_exam
from fleet.report.folder import Run, open_folder
from fleet.report.own_exam import write_own_exam
from fleet.report.page import write_report
from fleet.report.pictures import read_pictures, sheet
from fleet.report.preview import write_preview
from fleet.report.questions import ask, ask_database, compare_shadows, describe, find_clip, find_clips

__all__ = [
    "Run",
    "ask",
    "ask_database",
    "compare_shadows",
    "describe",
    "find_clip",
    "find_clips",
    "open_folder",
    "read_pictures",
    "sheet",
    "write_budget",
    "write_exam",
    "write_own_exam",
    "write_preview",
    "write_report",
]
