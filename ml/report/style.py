"""Style of reports, figures and pages: colours, fonts and sizes.

The contrast on the surface is at least 4.5 : 1 for text and 3 : 1 for marks. The colours of series also differ in
lightness, so readers who do not see hues can tell them apart. Thresholds are red and dashed.
"""

from __future__ import annotations

PAPER, SURFACE, LINE, CONTROL = "#f5f5f2", "#ffffff", "#e2e2dc", "#7d838c"
INK, QUIET_INK = "#17191c", "#4b515a"
ACCENT, BAD = "#0f5e8c", "#97301c"
SERIES = (ACCENT, CONTROL, INK)
DASHES = ((5, 3), (1.5, 2.5))  # dash patterns of the thresholds, the lowest first
BAND_OPACITY = 0.22  # relative to the colour of the series

FONTS = (
    "system-ui", '"Segoe UI"', '"PingFang SC"', '"Microsoft YaHei"', '"Noto Sans CJK SC"', '"WenQuanYi Micro Hei"',
    "sans-serif",
)  # fmt: skip

CSS = f"""
.report {{ max-width: 1120px; margin: 0 auto; padding: 16px 24px; color: {INK}; font: 14px/1.5 {", ".join(FONTS)};
  font-variant-numeric: tabular-nums; }}
.report h1 {{ font-size: 20px; line-height: 1.3; margin: 0; font-weight: 600; }}
.report h2 {{ font-size: 14px; margin: 0; font-weight: 600; }}
.report p {{ margin: 0; }}
.report .quiet {{ color: {QUIET_INK}; }}
.report .grid {{ display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; margin-top: 16px;
  align-items: start; grid-auto-flow: dense; }}
.report .panel {{ background: {SURFACE}; border: 1px solid {LINE}; border-radius: 6px; min-width: 0;
  padding: 12px 16px; }}
.report .wide {{ grid-column: 1 / -1; }}
.report .scroll {{ overflow-x: auto; }}
.report table {{ border-collapse: collapse; width: 100%; margin-top: 8px; }}
.report th {{ text-align: left; font-size: 12px; font-weight: 500; color: {QUIET_INK}; padding: 6px 12px 6px 0;
  border-bottom: 1px solid {CONTROL}; vertical-align: bottom; }}
.report td, .report tbody th {{ padding: 6px 12px 6px 0; border-bottom: 1px solid {LINE}; font-size: 13px; }}
.report tbody th {{ color: {INK}; font-weight: 600; }}
.report tbody tr:last-child > * {{ border-bottom: 0; }}
.report .num {{ text-align: right; white-space: nowrap; }}
.report summary {{ color: {ACCENT}; font-size: 12px; cursor: pointer; margin-top: 8px; }}
.report :focus-visible {{ outline: 2px solid {ACCENT}; outline-offset: 2px; }}
.report .legend {{ display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 12px; color: {QUIET_INK}; }}
.report .legend svg {{ width: 18px; height: 10px; margin-right: 5px; }}
.report .chart {{ display: block; overflow: visible; margin-top: 8px; }}
.report svg text {{ font-family: inherit; font-size: 12px; fill: {QUIET_INK}; }}
@media (max-width: 820px) {{ .report {{ padding: 12px; }}
  .report .grid {{ grid-template-columns: minmax(0, 1fr); }} }}
@media print {{ .report {{ max-width: none; padding: 0; font-size: 10.5pt; }}
  .report .panel {{ break-inside: avoid; }} }}
"""
