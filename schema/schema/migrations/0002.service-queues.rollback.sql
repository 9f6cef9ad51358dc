drop function pipeline.make_inbox_days, pipeline.drop_inbox_days, pipeline.rejected_outbox_rows, pipeline.delete_rejected_outbox_rows;
drop schema
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify, svc_dashboard cascade;
drop function provisioning.create_service_queues;
