"""The group `equity leads`."""

from cli.commands.leads.changes import pause_leads, reassign_leads, resume_leads
from cli.commands.leads.export import export_leads
from cli.commands.leads.find import find_leads
from cli.commands.leads.listing import list_leads
from cli.commands.leads.show import show_lead
from cli.shell.app import new_app

app = new_app(
    "Leads: find, show, list, export, pause, resume, reassign. Contact values are shown with --reveal only.",
    panel="Leads",
    summary="Leads: find, show, list, export, pause, resume, reassign.",
    order=10,
)

app.command("find")(find_leads)
app.command("show")(show_lead)
app.command("list")(list_leads)
app.command("export")(export_leads)
app.command("pause")(pause_leads)
app.command("resume")(resume_leads)
app.command("reassign")(reassign_leads)
