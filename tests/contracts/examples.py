"""Examples of the vendors' documentation with invented values, by shape."""

from typing import Any

from pydantic import BaseModel

from contracts import batchdata, instantly, instantly_emails, instantly_webhooks, melissa, openrouter, smtp

_PLACE = {"street": "418 Palmetto Ave", "city": "Dunedin", "state": "FL", "zip": "34698"}
_LEAD = {
    "id": "0198a1c3-0000-7aaa-8bbb-0242ac120002", "timestamp_created": "2026-08-20T14:02:11.482Z",
    "timestamp_updated": "2026-08-20T14:02:11.482Z", "organization": "0190ffff-1111-7222-8333-444455556666",
    "campaign": "0198a1c2-5b7e-7c31-9d10-2f6a4c11e001", "list_id": None, "status": 1, "email": "marjorie.holt@example.com",
    "first_name": "Marjorie", "last_name": "Holt", "company_name": None, "job_title": None, "website": None, "phone": "+17275550142",
    "personalization": "...", "email_open_count": 0, "email_reply_count": 0, "email_click_count": 0, "company_domain": "example.com",
    "status_summary": {}, "payload": {"firstName": "Marjorie", "lastName": "Holt", "lead_id": "ld_01J9ZK", "est_value": 412000},
    "verification_status": 11, "upload_method": "api", "esp_code": 0, "esg_code": 0, "timestamp_last_contact": None,
    "timestamp_last_open": None, "timestamp_last_reply": None, "timestamp_last_click": None, "timestamp_last_interest_change": None,
    "timestamp_last_touch": None,
}  # fmt: skip
_EMAIL = {
    "id": "0198b000-aaaa-7bbb-8ccc-0242ac120003", "timestamp_created": "2026-08-13T11:11:58.104Z",
    "timestamp_email": "2026-08-13T11:11:58.104Z", "message_id": "<example123@mail.gmail.com>", "subject": "Re: Your inquiry",
    "from_address_email": "marjorie.holt@example.com", "to_address_email_list": "dana@outreach.example",
    "cc_address_email_list": None, "bcc_address_email_list": None, "reply_to": None,
    "body": {"text": "This is a test email", "html": "<p>This is a test email</p>"}, "organization_id": _LEAD["organization"],
    "campaign_id": _LEAD["campaign"], "subsequence_id": None, "list_id": None, "lead": "marjorie.holt@example.com",
    "lead_id": _LEAD["id"], "eaccount": "dana@outreach.example", "ue_type": 2, "step": "1", "is_unread": 1, "is_auto_reply": 0,
    "ai_interest_value": 0.75, "is_focused": 1, "i_status": 0, "thread_id": "019ffad2-5c98-7531-9735-e1a632e2c947",
    "content_preview": "This is a preview of the email content.", "attachment_json": None,
}  # fmt: skip
EXAMPLES: dict[type[BaseModel], Any] = {
    melissa.Request: {
        "TransmissionReference": "ec-20260821-001", "CustomerID": "<license key>", "Actions": "Check,Verify",
        "Columns": "GrpAddressDetails,GrpParsedPhone,MoveDate,OwnRent,MelissaIdentityKey", "Options": "Append:Blank",
        "Records": [{
            "RecordID": "ld_01J9ZK", "FullName": "Marjorie Holt", "AddressLine1": "418 Palmetto Ave", "City": "Dunedin", "State": "FL",
            "PostalCode": "34698", "Country": "US", "EmailAddress": "marjorie.holt@example.com", "PhoneNumber": "7275550142",
        }],
    },
    melissa.Answer: {
        "Version": "5.6.13", "TransmissionReference": "ec-20260821-001", "TransmissionResults": " ", "TotalRecords": "1",
        "Records": [{
            "RecordID": "ld_01J9ZK", "Results": "AS01,PS01,PS08,ES01,VR01,VR02", "AddressLine1": "418 Palmetto Ave",
            "AddressLine2": " ", "City": "Dunedin", "State": "FL", "PostalCode": "34698-4021", "AddressKey": "34698402118",
            "AddressExtras": " ", "CompanyName": " ", "EmailAddress": "marjorie.holt@example.com", "PhoneNumber": "7275550142",
            "NameFull": "Marjorie Holt", "MelissaAddressKey": "8034512097", "MelissaAddressKeyBase": " ", "RecordExtras": " ",
            "Reserved": " ",
        }],
    },
    batchdata.Trace: {
        "requests": [{
            "requestId": "ld_01J9ZK", "propertyAddress": _PLACE, "name": {"first": "Marjorie", "last": "Holt"}, "mailingAddress": _PLACE,
        }],
        "options": {"dateFormat": "iso-date", "includeTCPABlacklistedPhones": False},
    },
    batchdata.AnswerV1: {
        "status": {"code": 200, "text": "OK"},
        "results": {
            "persons": [{
                "request": {"requestId": "ld_01J9ZK"},
                "name": {"first": "Marjorie", "middle": "A", "last": "Holt", "full": "Marjorie A Holt"},
                "propertyAddress": {**_PLACE, "county": "Pinellas"}, "mailingAddress": {**_PLACE, "county": "Pinellas"},
                "phoneNumbers": [{
                    "number": "7275550142", "type": "Land Line", "carrier": "Frontier", "tested": True, "reachable": True, "dnc": False,
                    "score": 92,
                }],
                "emails": [{"email": "marjorie.holt@example.com", "tested": True}],
                "bankruptcy": {}, "death": {"deceased": False}, "dnc": {"tcpa": False}, "litigator": False,
                "property": {"id": "a1b2c3", "address": {}, "owner": {"name": {}, "mailingAddress": {}}},
                "meta": {"matched": True, "error": False, "errorMessage": None},
            }],
            "meta": {"results": {"requestCount": 1, "matchCount": 1, "noMatchCount": 0, "errorCount": 0}, "requestId": "rq_9f2"},
        },
    },
    batchdata.Search: {
        "searchCriteria": {
            "query": "Pinellas County, FL", "quickLists": ["owner-occupied", "high-equity", "not-vacant"],
            "valuation": {"equityPercent": {"min": 50}, "estimatedValue": {"min": 200000, "max": 1500000}},
            "demographics": {"age": {"min": 62}},
        },
        "options": {"skip": 0, "take": 100, "dateFormat": "iso-date", "skipTrace": False},
    },
    batchdata.Failure: {"status": {"code": 403, "text": "Forbidden", "message": "Insufficient balance or invalid token permission"}},
    instantly.Lead: _LEAD,
    instantly.BulkAdded: {
        "status": "success", "total_sent": 3, "leads_uploaded": 1, "in_blocklist": 1, "blocklist_used": _LEAD["organization"],
        "duplicated_leads": 0,
        "skipped_count": 1, "invalid_email_count": 0, "incomplete_count": 0, "duplicate_email_count": 0, "remaining_in_plan": 9214,
        "created_leads": [{
            "index": 0, "id": _LEAD["id"], "email": "marjorie.holt@example.com", "first_name": "Marjorie", "last_name": "Holt",
            "phone": "+17275550142",
        }],
    },
    instantly.Failure: {"statusCode": 404, "error": "Not Found", "message": "..."},
    instantly.Delivery: {
        "timestamp": "2026-08-21T15:42:07.318Z", "event_type": "reply_received", "workspace": _LEAD["organization"],
        "campaign_id": _LEAD["campaign"], "campaign_name": "FL 62+ free-and-clear", "lead_email": "marjorie.holt@example.com",
        "email_account": "dana@outreach.example", "step": 2, "variant": 1, "is_first": True,
        "email_id": "0198b000-aaaa-7bbb-8ccc-0242ac120003", "reply_subject": "Re: your home on Palmetto Ave",
        "reply_text": "Yes, please call me after 2.", "email": "marjorie.holt@example.com", "firstName": "Marjorie", "lead_id": "ld_01J9ZK",
        "est_value": "412000",
    },
    openrouter.ChatRequest: {
        "model": "google/gemini-2.5-flash-lite", "models": ["google/gemini-2.5-flash-lite", "openai/gpt-4o-mini"],
        "messages": [{"role": "system", "content": "Classify the reply."}, {"role": "user", "content": "Yes, please call me after 2"}],
        "temperature": 0, "max_tokens": 400,
        "response_format": {"type": "json_schema", "json_schema": {"name": "reply_route", "strict": True, "schema": {
            "type": "object", "properties": {"intent": {"type": "string"}}, "required": ["intent"], "additionalProperties": False,
        }}},
        "provider": {"require_parameters": True, "data_collection": "deny", "zdr": True, "allow_fallbacks": True},
    },
    openrouter.Completion: {
        "id": "gen-1755799999-abc", "object": "chat.completion", "created": 1755799999, "model": "openai/gpt-4o-mini",
        "system_fingerprint": None, "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": '{"intent":"interested"}', "refusal": None, "reasoning": None,
        }}],
        "usage": {"prompt_tokens": 91, "completion_tokens": 14, "total_tokens": 105, "cost": 0.0000221},
    },
    openrouter.Failure: {"error": {"code": 429, "message": "Rate limit exceeded", "metadata": {}}},
    smtp.Reply: {"code": 250, "text": "2.0.0 OK: queued as 1"},
    smtp.ServiceMailHeaders: {
        "From": "Dana Whitfield <dana@broker.example>", "To": "marjorie@example.com", "Subject": "Your copy", "MIME-Version": "1.0",
        "Date": "Thu, 20 Aug 2026 14:02:11 +0000", "Message-ID": "<ld_01J9ZK.1@broker.example>",
        "List-Unsubscribe": "<https://consent.example/o?t=abc>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
    instantly_emails.Email: _EMAIL,
    instantly_emails.EmailPage: {"items": [_EMAIL], "next_starting_after": "0198b000-aaaa-7bbb-8ccc-0242ac120003"},
    instantly_emails.NewReply: {
        "eaccount": "dana@outreach.example", "reply_to_uuid": "0198b000-aaaa-7bbb-8ccc-0242ac120003", "subject": "Re: Your inquiry",
        "body": {"html": "<p>Hello, how are you?</p>", "text": "Hello, how are you?"},
    },
    instantly_webhooks.Webhook: {
        "id": "019d9c5f-9685-78bb-9ea7-36a61999b4c3", "organization": _LEAD["organization"], "campaign": None, "name": "Replies",
        "target_hook_url": "https://hooks.example.com/unique-url", "event_type": "all_events", "custom_interest_value": None,
        "headers": {"Authorization": "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}, "timestamp_created": "2026-08-13T11:11:58.201Z", "status": 1,
        "timestamp_error": None,
    },
    instantly_webhooks.WebhookEvent: {
        "id": "019ffad2-5d00-702c-b737-7642203d0bba", "timestamp_created": "2026-08-13T11:11:58.208Z",
        "timestamp_created_date": "2026-08-13", "organization_id": _LEAD["organization"], "payload": {"event_type": "email_sent"},
        "success": False, "retry_count": 0, "will_retry": True, "webhook_url": "https://hooks.example.com/unique-url",
        "status_code": None, "error_message": "Connection timeout", "timestamp_next_retry": "2026-08-13T11:12:08.208Z",
        "retry_group_id": "019ffad2-5d00-702c-b737-764407a691d8", "retry_successful": None, "lead_email": "lead@example.com",
        "response_time_ms": 150,
    },
}  # fmt: skip
