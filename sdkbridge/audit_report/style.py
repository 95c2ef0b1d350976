"""
How the page looks, on light and on dark, on a screen and on paper.
"""

STYLE = """
:root{color-scheme:light dark;--paper:#f3f5f8;--card:#fff;--ink:#17212b;--muted:#5b6875;--edge:#dde3ea;
  --soft:#f0f3f6; --bad:#b8322a;--badsoft:#fbe9e7;--warn:#96590b;--warnsoft:#fbf0dd;--calm:#3566b0;
  --calmsoft:#e7effb;--bar:#d9695f}
@media (prefers-color-scheme:dark){:root{--paper:#0c1116;--card:#12181f;--ink:#e8edf2;--muted:#9eabb8;
  --edge:#2b343e; --soft:#1a222b;--bad:#ff8377;--badsoft:#3b1d1a;--warn:#e5ad55;--warnsoft:#3a2b12;
  --calm:#7caaf0;--calmsoft:#1a2a43; --bar:#c9584e}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;
   font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1060px;margin:0 auto;padding:40px 20px 80px}
h1{font-size:32px;line-height:1.2;margin:0 0 8px;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:22px;margin:48px 0 12px}
h3{font-size:18px;margin:0;overflow-wrap:anywhere}
p{margin:8px 0;max-width:75ch;overflow-wrap:anywhere}
.lead{font-size:19px;color:var(--ink)}
.muted,figcaption{color:var(--muted)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:24px 0}
.tile{background:var(--card);border:1px solid var(--edge);border-radius:12px;padding:16px 18px}
.tile b{display:block;font-size:30px;line-height:1.15;font-variant-numeric:tabular-nums;letter-spacing:-.02em}
.tile span{color:var(--muted);font-size:14px}
.card{background:var(--card);border:1px solid var(--edge);border-radius:12px;padding:22px 24px;margin:18px 0;
   break-inside:avoid-page}
.title{display:flex;gap:12px;align-items:baseline;flex-wrap:wrap}
.pill{font-size:12.5px;font-weight:600;padding:2px 10px;border-radius:99px;background:var(--soft);
  color:var(--muted)}
.critical,.serious{background:var(--badsoft);color:var(--bad)}
.moderate{background:var(--warnsoft);color:var(--warn)}
.doubtful{background:var(--calmsoft);color:var(--calm)}
.wide{overflow-x:auto;margin:12px 0}
table{border-collapse:collapse;width:100%;min-width:660px;font-size:14.5px}
th{text-align:left;font-weight:600;color:var(--muted);font-size:13px}
th,td{padding:8px 14px 8px 0;border-bottom:1px solid var(--edge);vertical-align:top;overflow-wrap:anywhere}
td:first-child{min-width:180px}
tbody tr:last-child td{border-bottom:0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.day{white-space:nowrap}
.cause{width:190px}
.bar{display:block;height:8px;border-radius:4px;background:var(--bar);min-width:3px;margin-top:8px}
figure{margin:16px 0;overflow:auto;max-height:720px;border:1px solid var(--edge);border-radius:10px}
figure svg{display:block;max-width:none}
details{margin:10px 0}
summary{cursor:pointer;font-weight:600}
ol{padding-left:22px;max-width:75ch}
li{margin:8px 0}
code{font:13.5px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,monospace;background:var(--soft);padding:2px 6px;
   border-radius:5px;overflow-wrap:anywhere}
@media print{body{background:#fff}main{padding:0}figure{max-height:none;
  overflow:visible}figure svg{max-width:100%}}
"""
