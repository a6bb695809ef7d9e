-- What the CRM says of renewals, as far as it had closed by the as-of date.
with record_ids as (

    select
        durable_id as customer_id,
        source,
        source_record_id
    from {{ ref('int_customers__record_ids') }}
    where entity = 'customer' and list_kind = 'customer'

),

-- The day it was first expected, and the amount: later ones are known after the event.
first_words as (

    select
        source,
        source_opportunity_id,
        min_by(close_date, changed_at) as close_date,
        min_by(amount, changed_at) as amount
    from {{ ref('int_crm__opportunity_changes') }}
    group by source, source_opportunity_id

)

select
    record_ids.customer_id,
    deals.source,
    deals.source_opportunity_id,
    owners.full_name as owner_name,
    deals.stage,
    deals.currency,
    coalesce(first_words.close_date, deals.close_date) as due_date,
    coalesce(first_words.amount, deals.amount) as due_amount,
    deals.amount,
    deals.close_date,
    case
        when deals.is_won and deals.close_date <= context.as_of_date then 'won'
        when deals.is_closed and not deals.is_won and deals.close_date <= context.as_of_date then 'lost'
        else 'open'
    end as state
from {{ ref('int_crm__opportunities') }} as deals
inner join record_ids
    on
        deals.source = record_ids.source
        and deals.source_customer_id = record_ids.source_record_id
left join first_words
    on
        deals.source = first_words.source
        and deals.source_opportunity_id = first_words.source_opportunity_id
left join {{ ref('int_crm__owners') }} as owners
    on
        deals.source = owners.source
        and deals.source_owner_id = owners.source_owner_id
cross join {{ ref('int_run__context') }} as context
where deals.opportunity_kind = 'renewal' and not deals.is_deleted and deals.close_date is not null
