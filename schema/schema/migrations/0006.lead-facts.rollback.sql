drop function app.upsert_lead, app.upsert_leads, pipeline.wins, pipeline.wins_text;
drop table pipeline.leads_staging;
alter table app.leads
  drop column mak, drop column property_address, drop column property_unit, drop column property_city,
  drop column property_state, drop column property_zip, drop column county, drop column fips, drop column apn,
  drop column owner_first_name, drop column owner_last_name, drop column owner2_first_name, drop column owner2_last_name,
  drop column company_name, drop column mailing_address, drop column mailing_unit, drop column mailing_city,
  drop column mailing_state, drop column mailing_zip, drop column property_type, drop column bedrooms, drop column bathrooms,
  drop column building_sqft, drop column lot_sqft, drop column year_built, drop column owner_occupied, drop column vacant,
  drop column est_value, drop column est_equity, drop column est_ltv, drop column open_loans, drop column open_loan_balance,
  drop column last_sale_date, drop column last_sale_amount, drop column apn_key, drop column addr_hash,
  drop column deceased_owner, drop column do_not_mail, drop column litigator, drop column observed;
