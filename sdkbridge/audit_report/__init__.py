"""
An audit as a page for those who decide: one file, without scripts, that needs nothing else.
"""

from sdkbridge.audit_report.page import report_page

__all__ = ["report_page"]
