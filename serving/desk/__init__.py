"""Pages of the daily work in the browser; they lay out what the JSON endpoints answer."""
