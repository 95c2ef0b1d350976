"""
Texts that try to run in a page that shows them.
"""

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "{{ 7 * 7 }}<svg/onload=alert(1)>",
    "</title></svg><script>alert(1)</script>",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe<b onmouseover=alert(1)>",
)
