-- What is billed by use, as an amount a month: from each of its invoices on, the mean of the periods that ended in the
-- last months up to it.
with lengths as (

    select distinct usage_months
    from {{ ref('int_revenue__policies') }}
    where usage_months > 0

),

periods as (

    select
        source,
        source_subscription_item_id,
        period_end_at,
        min(issued_at) as issued_at,
        sum({{ monthly_amount('line_amount') }}) as month_amount
    from {{ ref('int_billing__invoice_lines') }}
    where
        usage_type = 'metered'
        and invoice_status <> 'void'
        and source_subscription_item_id is not null
        and period_end_at is not null
    group by source, source_subscription_item_id, period_end_at

),

levels as (

    select
        periods.source,
        periods.source_subscription_item_id,
        lengths.usage_months,
        periods.issued_at,
        periods.period_end_at,
        avg(earlier.month_amount) as usage_amount
    from periods
    cross join lengths
    inner join periods as earlier
        on
            periods.source = earlier.source
            and periods.source_subscription_item_id = earlier.source_subscription_item_id
            and periods.period_end_at >= earlier.period_end_at
            and periods.period_end_at < earlier.period_end_at + to_months(lengths.usage_months)
    group by all

)

select
    source,
    source_subscription_item_id,
    usage_months,
    issued_at as valid_from_at,
    {{ money('usage_amount') }} as usage_amount
from levels
qualify
    row_number() over (
        partition by source, source_subscription_item_id, usage_months, issued_at
        order by period_end_at desc
    ) = 1
