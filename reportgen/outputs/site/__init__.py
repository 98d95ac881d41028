"""The site's writer: charts as SVG, tables as HTML, text that no page can take for markup."""
