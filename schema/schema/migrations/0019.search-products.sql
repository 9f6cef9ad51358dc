-- Product and reason of a saved search that selects owners by age (docs/batchdata-pull.md).
set local role equity_owner;

alter table pipeline.saved_searches
  add column product text,
  add column reason text check (reason <> ''),
  add constraint saved_searches_product_has_reason check ((product is null) = (reason is null));
comment on column pipeline.saved_searches.product is
  'product with a minimum age by law, by which the search selects owners; null: it does not select by age';
comment on column pipeline.saved_searches.reason is 'reason of the operator for the selection by age';
reset role;
