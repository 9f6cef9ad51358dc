"""Commands about leads: find, show, list, export, pause, resume, reassign (docs/leads.md)."""
