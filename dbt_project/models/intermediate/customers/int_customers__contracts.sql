with record_ids as (

    select
        durable_id as customer_id,
        source,
        source_record_id
    from {{ ref('int_customers__record_ids') }}
    where entity = 'customer' and list_kind = 'customer'

),

-- What is paid for: all that is live, whichever of the customer's records holds it; else what ended last.
contracts as (

    select
        record_ids.customer_id,
        contracts.*
    from {{ ref('int_billing__contracts') }} as contracts
    inner join record_ids
        on
            contracts.source = record_ids.source
            and contracts.source_customer_id = record_ids.source_record_id
    qualify
        contracts.is_live
        or (
            not bool_or(contracts.is_live) over (partition by record_ids.customer_id)
            and row_number() over (
                partition by record_ids.customer_id
                order by contracts.ended_date desc, contracts.source asc, contracts.source_customer_id asc
            ) = 1
        )

),

billed as (

    select
        customer_id,
        bool_or(is_live) as is_live,
        bool_and(is_canceling) as is_canceling,
        case when min(currency) = max(currency) and count(currency) = count(recurring_amount) then min(currency) end
            as currency,
        sum(recurring_amount) as recurring_amount,
        min(started_date) as started_date,
        max(ended_date) as ended_date,
        list(distinct source) as sources,
        cast(max(valid_from_at) as date) as as_of_date
    from contracts
    group by customer_id

),

won_deals as (

    select
        record_ids.customer_id,
        deals.amount as contract_amount,
        deals.currency as contract_currency,
        deals.source,
        deals.close_date
    from {{ ref('int_crm__opportunities') }} as deals
    inner join record_ids
        on
            deals.source = record_ids.source
            and deals.source_customer_id = record_ids.source_record_id
    cross join {{ ref('int_run__context') }} as context
    where
        deals.is_won
        and not deals.is_deleted
        and deals.amount is not null
        and deals.opportunity_kind in ('new_business', 'renewal')
        and deals.close_date <= context.as_of_date
    qualify
        row_number() over (
            partition by record_ids.customer_id
            order by deals.close_date desc, deals.source asc, deals.source_opportunity_id asc
        ) = 1

)

select
    customer_id,
    billed.is_live,
    billed.is_canceling,
    billed.currency as recurring_currency,
    case when billed.currency is not null then {{ money('billed.recurring_amount') }} end as last_recurring_amount,
    billed.started_date,
    billed.ended_date,
    billed.sources as billing_sources,
    billed.as_of_date as billing_as_of_date,
    {{ money('won_deals.contract_amount') }} as contract_amount,
    won_deals.contract_currency,
    won_deals.source as contract_amount_source,
    won_deals.close_date as contract_amount_date
from billed
full join won_deals using (customer_id)
