alter table app.feed_slots
  drop column score_model,
  drop column lead_score,
  drop column score_contributions,
  drop column features,
  drop column propensity,
  drop column drawn;
