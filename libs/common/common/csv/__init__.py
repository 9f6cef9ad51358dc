"""Files of comma-separated values: dialect, rows, columns, rejected rows."""
