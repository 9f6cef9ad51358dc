"""Conversations of campaign members: campaign emails, replies that quote them, and our answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.vendors.instantly.campaigns import ACTIVE
from sandbox.vendors.instantly.email_texts import fill_variables, html_of_text, text_of_html, variable_text
from sandbox.vendors.instantly.quoting import MailClient, Placement, QuotedEmail, quote_email
from sandbox.vendors.instantly.requests import ReplyToEmailRequest
from sandbox.vendors.instantly.webhook_sender import WebhookSender
from sandbox.vendors.instantly.workspace import InstantlyWorkspace, current_time

SENT_BY_CAMPAIGN, RECEIVED, SENT_BY_HAND = 1, 2, 3
"""Values of `ue_type`."""
DEFAULT_ACCOUNT = "sender@outreach.example"
"""Sender of campaigns that name no account."""
_MEMBER_ACTIVE = 1


class IncomingReply(BaseModel):
    """A reply of a campaign member, as the control API takes it."""

    model_config = ConfigDict(extra="forbid")

    email: str
    campaign: str | None = Field(None, description="The campaign, when the email is a member of several.")
    text: str | None = None
    html: str | None = Field(None, description="The new part as HTML. One of `text` and `html` is required.")
    client: MailClient = "gmail"
    placement: Placement = Field("top", description="Place of the new text: above, below or between the quoted lines.")
    format: Literal["both", "text", "html"] = Field("both", description="The parts that the email has.")
    is_auto_reply: bool = False
    answers: str | None = Field(None, description="Id of the email that is answered; our latest one when absent.")
    from_address: str | None = Field(None, description="Sender, when it is not the member's address.")
    subject: str | None = Field(None, description="Subject, when it is not `Re: …`.")

    @model_validator(mode="after")
    def require_content(self) -> "IncomingReply":
        """Raise ValueError without text and HTML."""
        if self.text is None and self.html is None:
            raise ValueError("text or html is required")
        return self


class ConversationError(Exception):
    """A conversation that cannot go on as asked. The message says why."""


class Conversations:
    """Emails to and from the members of campaigns. They are sent only on request."""

    def __init__(self, workspace: InstantlyWorkspace, webhooks: WebhookSender) -> None:
        self._workspace = workspace
        self._webhooks = webhooks

    def can_receive(self, lead: dict[str, Any]) -> bool:
        """Return whether the campaign still writes to this member."""
        campaign = self._workspace.campaigns.get(lead["campaign"] or "")
        if campaign is None or campaign["status"] != ACTIVE or lead["status"] != _MEMBER_ACTIVE:
            return False
        return not (campaign.get("stop_on_reply") and lead["email_reply_count"])

    def send_step(self, lead: dict[str, Any], step: int) -> dict[str, Any] | None:
        """Send a step, counted from 1, to a member. Return the email, or None if the campaign has no such step."""
        campaign = self._workspace.campaigns[lead["campaign"]]
        texts = _find_step_texts(campaign, step)
        if texts is None:
            return None
        variables = {name: variable_text(value) for name, value in lead["payload"].items() if value is not None}
        subject, body = (fill_variables(text, {**variables, "email": lead["email"]}) for text in texts)
        account = next(iter(campaign.get("email_list") or ()), DEFAULT_ACCOUNT)
        email = self._workspace.add_email({
            **_create_email(lead["email"], account, subject, {"html": body, "text": text_of_html(body)}),
            "campaign_id": lead["campaign"], "lead_id": lead["id"], "ue_type": SENT_BY_CAMPAIGN, "step": str(step),
            "from_address_email": account, "to_address_email_list": lead["email"],
        })  # fmt: skip
        lead["timestamp_last_contact"] = email["timestamp_created"]
        details = {**_describe_for_webhook(email), "email_subject": subject, "email_html": body}
        self._webhooks.apply_event("email_sent", lead, details)
        return email

    def receive_reply(self, reply: IncomingReply) -> dict[str, Any]:
        """Add a reply that quotes the email which it answers, and notify the subscribers. Return the reply.

        Raise ConversationError if there is no email to answer. The reply of a lead that was removed is not notified.
        """
        answered = self._find_answered(reply)
        body = quote_email(_quote(answered), reply.client, reply.placement, reply.text, reply.html)
        parts = {"text": body.text, "html": body.html}
        if reply.format != "both":
            parts = {reply.format: parts[reply.format]}
        member = self._workspace.leads.get(answered["lead_id"] or "")
        subject = reply.subject or f"Re: {answered['subject'].removeprefix('Re: ')}"
        email = self._workspace.add_email({
            **_create_email(answered["lead"], answered["eaccount"], subject, parts),
            "campaign_id": answered["campaign_id"], "lead_id": member and member["id"], "ue_type": RECEIVED,
            "step": answered["step"], "from_address_email": reply.from_address or answered["lead"],
            "to_address_email_list": answered["eaccount"], "is_unread": 1, "is_auto_reply": int(reply.is_auto_reply),
        })  # fmt: skip
        if member is not None:
            details = {
                **_describe_for_webhook(email), "reply_subject": subject, "reply_text_snippet": email["content_preview"],
                **{f"reply_{name}": part for name, part in parts.items()},
            }  # fmt: skip
            event_type = "auto_reply_received" if reply.is_auto_reply else "reply_received"
            self._webhooks.apply_event(event_type, member, details, answered_email_id=answered["id"])
        return email

    def send_answer(self, request: ReplyToEmailRequest) -> dict[str, Any]:
        """Answer the sender of an email that exists. Return the answer."""
        answered = self._workspace.emails[request.reply_to_uuid]
        html = request.body.html or html_of_text(request.body.text or "")
        text = request.body.text or text_of_html(html)
        return self._workspace.add_email({
            **_create_email(answered["lead"], request.eaccount, request.subject, {"html": html, "text": text}),
            "campaign_id": answered["campaign_id"], "lead_id": answered["lead_id"], "ue_type": SENT_BY_HAND,
            "step": answered["step"], "from_address_email": request.eaccount,
            "to_address_email_list": ",".join([answered["from_address_email"], *request.additional_recipients]),
            "cc_address_email_list": request.cc_address_email_list,
            "bcc_address_email_list": request.bcc_address_email_list,
        })  # fmt: skip

    def is_account(self, address: str) -> bool:
        """Return whether the address is a sending account of the workspace."""
        accounts = {
            account for entry in self._workspace.campaigns.values() for account in entry.get("email_list") or ()
        }
        return address in accounts | {DEFAULT_ACCOUNT}

    def _find_answered(self, reply: IncomingReply) -> dict[str, Any]:
        """Return the email that the reply names, or else our latest one to the address."""
        sent = {
            email["id"]: email
            for email in self._workspace.list_emails_of(reply.email)
            if email["ue_type"] != RECEIVED and reply.campaign in (None, email["campaign_id"])
        }
        if not sent:
            raise ConversationError("No email was sent to this address. First: POST /_sandbox/instantly/emails.")
        if reply.answers is None:
            return list(sent.values())[-1]
        if reply.answers not in sent:
            raise ConversationError("`answers` is not the id of an email that was sent to this address.")
        return sent[reply.answers]


def _create_email(lead: str, account: str, subject: str, body: dict[str, str]) -> dict[str, Any]:
    """Return the fields of an email that do not depend on its type (OpenAPI 2.0.0, schema `Email`)."""
    at = current_time()
    visible = body.get("text") or text_of_html(body.get("html", ""))
    return {
        "timestamp_created": at, "timestamp_email": at, "subject": subject, "body": body, "lead": lead, "eaccount": account,
        "cc_address_email_list": None, "bcc_address_email_list": None, "reply_to": None, "subsequence_id": None, "list_id": None,
        "is_unread": 0, "is_auto_reply": 0, "ai_interest_value": None, "is_focused": 1, "i_status": None,
        "content_preview": visible.strip()[:100], "attachment_json": None,
    }  # fmt: skip


def _find_step_texts(campaign: dict[str, Any], step: int) -> tuple[str, str] | None:
    """Return subject and body of a step. A campaign without any sequence has a placeholder for every step."""
    sequences = campaign.get("sequences") or ()
    if not sequences:
        return f"Step {step}", f"Step {step}"
    steps = sequences[0]["steps"]
    if step > len(steps):
        return None
    variant = next((entry for entry in steps[step - 1]["variants"] if not entry.get("v_disabled")), None)
    return variant and (variant["subject"], variant["body"])


def _quote(email: dict[str, Any]) -> QuotedEmail:
    return QuotedEmail(
        sender=email["from_address_email"],
        recipient=email["to_address_email_list"],
        subject=email["subject"],
        sent_at=datetime.fromisoformat(email["timestamp_email"]),
        text=email["body"]["text"],
        html=email["body"]["html"],
    )


def _describe_for_webhook(email: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that every webhook about an email has."""
    step = int(email["step"] or 1)
    return {
        "email_id": email["id"], "email_account": email["eaccount"], "step": step, "variant": 1, "is_first": step == 1,
        "unibox_url": f"https://app.instantly.ai/app/unibox?thread_search=thread:{email['thread_id']}",
    }  # fmt: skip
