-- What a customer gained or lost on a day is what their subscriptions' items, discounts and hand-overs did.
with movements as (

    select
        past_customer_id,
        currency,
        movement_date,
        sum(amount) as moved_amount
    from {{ ref('fct_mrr_movements') }}
    where movement <> 'fx'
    group by past_customer_id, currency, movement_date

),

changes as (

    select
        past_customer_id,
        currency,
        movement_date,
        sum(amount) as changed_amount
    from {{ ref('fct_subscription_changes') }}
    group by past_customer_id, currency, movement_date

)

select *
from movements
full join changes using (past_customer_id, currency, movement_date)
where coalesce(moved_amount, 0) <> coalesce(changed_amount, 0)
