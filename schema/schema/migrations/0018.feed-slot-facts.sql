-- Facts of a feed: what was known about a lead at the moment that it took a slot (ADR 43).
set local role equity_owner;

alter table app.feed_slots
  add column score_model smallint,
  add column lead_score smallint,
  add column score_contributions jsonb,
  add column features jsonb,
  add column propensity real,
  add column drawn boolean,
  add constraint feed_slots_facts_complete
    check (num_nulls(score_model, lead_score, features, propensity, drawn) in (0, 5)),
  add constraint feed_slots_propensity_range check (propensity > 0 and propensity <= 1);
comment on column app.feed_slots.score_model is
  'number of the score''s table that chose the lead; null: the lead was fed before facts were kept';
comment on column app.feed_slots.lead_score is 'score of the lead at the feed; a later score changes `leads.lead_score` only';
comment on column app.feed_slots.score_contributions is 'contributions of `lead_score`';
comment on column app.feed_slots.features is
  'facts of the lead at the feed that the score reads, in the ranges of its steps; no name, no address';
comment on column app.feed_slots.propensity is 'probability with which the lead was fed; 1 while the best leads are fed';
comment on column app.feed_slots.drawn is 'whether the lead was drawn by lot';
reset role;
