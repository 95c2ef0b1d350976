"""
The colours of drawings, on light and on dark.
"""

from collections.abc import Mapping

CLASS = "identity-drawing"

_FIXED = """
.{c}{{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}}
.{c}{{max-width:100%;height:auto}}
.{c} .head{{font-size:15px;font-weight:600}}
.{c} .group{{font-size:12.5px;font-weight:600}}
.{c} .name{{font-size:13px}}
.{c} .words{{font-size:11.5px}}
.{c} .node path{{stroke-width:1.4}}
.{c} .generated path{{stroke-dasharray:5 3}}
.{c} .guest path{{stroke-dasharray:2 3}}
.{c} .line,.{c} .cross{{fill:none;stroke-width:1.8;stroke-linecap:round}}
.{c} .cross{{stroke-width:2.2}}
.{c} .line.held{{stroke-dasharray:5 4}}
.{c} .line.refused{{stroke-dasharray:1.5 4}}
"""

_COLOURED = """
.{c} .paper{{fill:{paper}}}
.{c} .frame{{fill:{card};stroke:{edge}}}
.{c} .head,.{c} .name,.{c} .group{{fill:{ink}}}
.{c} .words{{fill:{muted}}}
.{c} .words.held{{fill:{held}}}.{c} .words.refused,.{c} .words.blamed{{fill:{bad}}}
.{c} .line.bus{{stroke:{edge}}}
.{c} .line.merged{{stroke:{good}}}.{c} .line.known{{stroke:{muted}}}
.{c} .line.held{{stroke:{held}}}
.{c} .line.refused,.{c} .cross.refused,.{c} .line.blamed,.{c} .cross.blamed{{stroke:{bad}}}
.{c} .account path{{fill:{account};stroke:{account_edge}}}
.{c} .email path{{fill:{email};stroke:{email_edge}}}
.{c} .phone path{{fill:{phone};stroke:{phone_edge}}}
.{c} .anonymous path,.{c} .generated path{{fill:{anonymous};stroke:{anonymous_edge}}}
.{c} .placeholder path{{fill:{placeholder};stroke:{bad}}}
.{c} .other path{{fill:{paper};stroke:{muted}}}
"""

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "card": "#f7f9fb",
    "edge": "#c9d2db",
    "ink": "#17212b",
    "muted": "#5b6875",
    "good": "#2c7a4b",
    "held": "#96590b",
    "bad": "#b8322a",
    "account": "#dfeafb",
    "account_edge": "#3566b0",
    "email": "#dcf2ec",
    "email_edge": "#1f7a66",
    "phone": "#efe6fa",
    "phone_edge": "#7448ad",
    "anonymous": "#eceff2",
    "anonymous_edge": "#6f7c89",
    "placeholder": "#fbe2df",
}

DARK: Mapping[str, str] = {
    "paper": "#12181f",
    "card": "#19212a",
    "edge": "#3d4955",
    "ink": "#e8edf2",
    "muted": "#9eabb8",
    "good": "#5cc389",
    "held": "#e5ad55",
    "bad": "#ff8377",
    "account": "#1d3352",
    "account_edge": "#7caaf0",
    "email": "#14392f",
    "email_edge": "#59c3a8",
    "phone": "#35264c",
    "phone_edge": "#b994ea",
    "anonymous": "#2a333c",
    "anonymous_edge": "#8f9caa",
    "placeholder": "#47231f",
}

STYLE = (
    _FIXED.format(c=CLASS)
    + _COLOURED.format(c=CLASS, **LIGHT)
    + "@media (prefers-color-scheme:dark){"
    + _COLOURED.format(c=CLASS, **DARK)
    + "}\n"
)
