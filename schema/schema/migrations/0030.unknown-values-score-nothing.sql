-- Placeholder values were taken literally before: a sale on 1/1/1900 meant 126 years of ownership, a loan-to-value of 0.95
-- meant one percent. This migration clears them, and scores the affected leads again by the rules of score.py of ingest as
-- of this migration. Scores only fall here. `observed` loses the stamps of the cleared values, so that any record may fill
-- them.
set local role equity_owner;

update app.leads l
set
  last_sale_date = w.sale,
  est_value = w.value,
  est_equity = w.equity,
  est_ltv = w.ltv,
  observed[32] = case when w.sale is null then null else l.observed[32] end,
  observed[27] = case when w.value is null then null else l.observed[27] end,
  observed[28] = case when w.equity is null then null else l.observed[28] end,
  observed[29] = case when w.ltv is null then null else l.observed[29] end
from (
  select
    p.id,
    p.sale,
    p.value,
    case when p.equity > p.value then null else p.equity end as equity,
    case
      when p.ltv is null or p.ltv > 500 then null
      when p.ltv = 0 or p.ltv > 2 then p.ltv
      when p.owed is null then case when p.ltv < 1 then p.ltv * 100 end
      when least(abs(p.ltv - p.owed), abs(p.ltv * 100 - p.owed)) > 5 then null
      when abs(p.ltv - p.owed) <= abs(p.ltv * 100 - p.owed) then p.ltv
      else p.ltv * 100
    end as ltv
  from (
    select
      id,
      case
        when last_sale_date >= date '1900-01-01'
        and last_sale_date not in (
          date '1900-01-01', date '1900-01-02', date '1901-01-01', date '1904-01-01', date '1904-01-02', date '1969-12-31',
          date '1970-01-01', date '1970-01-02'
        )
        then last_sale_date
      end as sale,
      case when est_value > 0 and est_value <= 1000000000 and est_value::text !~ '^(9999|9{7,})$' then est_value end as value,
      case when abs(est_equity) <= 1000000000 and abs(est_equity)::text !~ '^(9999|9{7,})$' then est_equity end as equity,
      est_ltv as ltv,
      case
        when est_value > 0 and open_loan_balance is not null then 100.0 * open_loan_balance / est_value
        when est_value > 0 and est_equity is not null then 100 - 100.0 * est_equity / est_value
        when open_loan_balance = 0 then 0
      end as owed
    from app.leads
  ) p
) w
where w.id = l.id
and (l.last_sale_date, l.est_value, l.est_equity, l.est_ltv) is distinct from (w.sale, w.value, w.equity, w.ltv);

with facts as (
  select
    l.id,
    l.score_contributions - array['equity', 'equity_share', 'free_and_clear', 'years_owned', 'bounds'] as kept,
    case when l.est_value is null or l.est_equity <= l.est_value then l.est_equity end as equity,
    case when l.est_ltv between 0 and 500 then 100 - l.est_ltv end as by_ltv,
    case when l.est_value > 0 and l.est_equity <= l.est_value then 100.0 * l.est_equity / l.est_value end as by_equity,
    case when l.est_value > 0 then 100 - 100.0 * l.open_loan_balance / l.est_value end as by_balance,
    l.open_loans,
    l.open_loan_balance,
    (current_date - l.last_sale_date) / 365.25 as years
  from app.leads l
  where l.score_contributions is not null
),
shares as (
  select f.*, case when coalesce(f.by_ltv, f.by_equity) is not null then least(f.by_ltv, f.by_equity, f.by_balance) end as share
  from facts f
),
points as (
  select
    s.id,
    s.kept,
    jsonb_build_object(
      'equity', case
        when s.equity >= 1000000 then 28 when s.equity >= 500000 then 24 when s.equity >= 300000 then 20
        when s.equity >= 200000 then 15 when s.equity >= 100000 then 9 when s.equity >= 50000 then 4 else 0
      end,
      'equity_share', case
        when s.share >= 90 then 22 when s.share >= 70 then 18 when s.share >= 50 then 13 when s.share >= 30 then 6
        when s.share >= 15 then 2 else 0
      end,
      'free_and_clear', case
        when (s.open_loans = 0 or s.open_loan_balance = 0) and coalesce(s.open_loans, 0) = 0
        and coalesce(s.open_loan_balance, 0) = 0 and coalesce(s.share, 100) >= 95 then 6
        else 0
      end,
      'years_owned', case
        when s.years > 80 then 0 when s.years >= 30 then 14 when s.years >= 20 then 12 when s.years >= 15 then 9
        when s.years >= 10 then 6 when s.years >= 5 then 3 else 0
      end
    ) as computed
  from shares s
),
totals as (
  select p.id, coalesce(c.contributions, '{}'::jsonb) as contributions, coalesce(c.total, 0)::integer as total
  from points p
  cross join lateral (
    select jsonb_object_agg(e.key, e.value) as contributions, sum(e.value::integer) as total
    from jsonb_each(p.kept || p.computed) e
    where e.value <> '0'::jsonb
  ) c
),
scores as (
  select
    t.id,
    least(greatest(t.total, 0), 100) as score,
    case
      when t.total between 0 and 100 then t.contributions
      else t.contributions || jsonb_build_object('bounds', least(greatest(t.total, 0), 100) - t.total)
    end as contributions
  from totals t
)
update app.leads l
set lead_score = s.score, score_contributions = s.contributions
from scores s
where s.id = l.id
and l.lead_score > s.score;
reset role;
