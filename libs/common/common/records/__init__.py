"""Property records: a row of cells or a JSON record becomes typed, comparable facts of a home, or the reasons why it cannot."""
