{%- set on_time_days = var('renewal_on_time_days') -%}
with context as (

    select
        as_of_date,
        reporting_currency
    from {{ ref('int_run__context') }}

),

record_ids as (

    select
        durable_id as customer_id,
        source,
        source_record_id
    from {{ ref('int_customers__record_ids') }}
    where entity = 'customer' and list_kind = 'customer'

),

rates as (

    select *
    from {{ ref('int_revenue__fx_rates') }}

),

terms as (

    select
        concat_ws('/', terms.source, terms.source_subscription_id, terms.due_date) as renewal_id,
        record_ids.customer_id,
        terms.*
    from {{ ref('int_revenue__terms') }} as terms
    left join record_ids
        on
            terms.source = record_ids.source
            and terms.source_customer_id = record_ids.source_record_id

),

levels as (

    select
        *,
        lag(mrr_amount, 1, cast(0 as decimal(18, 4))) over subscription_history as mrr_before,
        lag(is_paying and mrr_amount = 0) over subscription_history as was_free,
        min(if(mrr_amount > 0, change_date, null)) over (partition by source, source_subscription_id) as first_paid_date
    from {{ ref('int_revenue__subscription_days') }}
    window subscription_history as (partition by source, source_subscription_id order by change_date)

),

policy as (

    select free = 'churn' as is_free_lost
    from {{ ref('int_revenue__policies') }}
    where is_active

),

-- Days on which a subscription began, or began anew after its end.
beginnings as (

    select
        levels.source,
        levels.source_subscription_id,
        record_ids.customer_id,
        levels.change_date as begun_date,
        levels.currency,
        {{ yearly_money('levels.mrr_amount', 'levels.currency') }} as begun_amount
    from levels
    inner join record_ids
        on
            levels.source = record_ids.source
            and levels.source_customer_id = record_ids.source_record_id
    cross join policy
    where
        levels.mrr_amount > 0
        and (
            levels.change_date = levels.first_paid_date
            or not levels.was_running
            or (policy.is_free_lost and levels.was_free)
        )

),

-- A subscription that the customer began when another one, or itself, ended is its renewal, early or late: where it is
-- paid on the day on which the other falls due.
successors as (

    select
        terms.renewal_id,
        terms.currency,
        terms.due_amount,
        terms.due_date,
        beginnings.source as successor_source,
        beginnings.source_subscription_id as successor_id,
        beginnings.begun_date as renewed_date,
        beginnings.currency as successor_currency,
        beginnings.begun_amount
    from terms
    inner join beginnings
        on
            terms.customer_id = beginnings.customer_id
            and if(
                terms.source = beginnings.source
                and terms.source_subscription_id = beginnings.source_subscription_id,
                terms.lost_date <= beginnings.begun_date,
                terms.first_paid_date < beginnings.begun_date
            )
            and terms.lost_date - {{ on_time_days }} <= beginnings.begun_date
            and terms.due_date + {{ var('renewal_late_days') }} >= beginnings.begun_date
    inner join levels
        on
            beginnings.source = levels.source
            and beginnings.source_subscription_id = levels.source_subscription_id
            and greatest(terms.due_date, beginnings.begun_date) >= levels.change_date
            and greatest(terms.due_date, beginnings.begun_date) < levels.next_date
    where terms.outcome = 'lost' and levels.mrr_amount > 0
    qualify beginnings.begun_date = min(beginnings.begun_date) over (partition by terms.renewal_id)

),

-- One that replaces several renews each in proportion to what is due, in its own currency: to the cent, in all what it
-- costs. Without a rate between the two, what is due is taken to go on.
valued_successors as (

    select
        successors.*,
        if(successors.currency = successors.successor_currency, 1, successor_rates.rate / term_rates.rate) as rate
    from successors
    asof left join rates as term_rates
        on
            successors.currency = term_rates.currency
            and successors.due_date >= term_rates.rate_month
    asof left join rates as successor_rates
        on
            successors.successor_currency = successor_rates.currency
            and successors.due_date >= successor_rates.rate_month

),

shared as (

    select
        *,
        due_amount / rate as value,
        sum(value) over (successor order by due_date, renewal_id) as value_so_far,
        begun_amount / nullif(sum(value) over successor, 0) as share,
        {{ money_to_the_cent('share * value_so_far', 'successor_currency') }} as amount_so_far,
        {{ money_to_the_cent('share * (value_so_far - value)', 'successor_currency') }} as amount_before,
        rate * (amount_so_far - amount_before) as successor_amount
    from valued_successors
    window successor as (partition by successor_source, successor_id, renewed_date)

),

succeeded as (

    select
        renewal_id,
        min(renewed_date) as renewed_date,
        sum({{ money_to_the_cent('coalesce(successor_amount, due_amount)', 'currency') }}) as renewed_amount
    from shared
    group by renewal_id

),

-- What is paid from the renewal on; what came as an item beside the others was sold with it.
continued as (

    select
        terms.renewal_id,
        max_by(levels.mrr_amount, levels.change_date) as whole_mrr,
        coalesce(max(
            case
                when
                    levels.change_date = terms.renewed_date
                    and levels.mrr_before > 0
                    and levels.added_change > 0
                    and levels.removed_change = 0
                    then least(levels.added_change * (1 - levels.discount_rate), levels.mrr_amount)
            end
        ), 0) as upsell_mrr
    from terms
    inner join levels
        on
            terms.source = levels.source
            and terms.source_subscription_id = levels.source_subscription_id
            and terms.renewed_date >= levels.change_date
    group by terms.renewal_id

),

deals as (

    select *
    from {{ ref('int_revenue__renewal_deals') }}

),

-- Each term's nearest opportunity, and each opportunity's nearest term.
matches as (

    select
        terms.renewal_id,
        deals.source as deal_source,
        deals.source_opportunity_id,
        abs(terms.due_date - deals.due_date) as days_apart
    from terms
    inner join deals
        on
            terms.customer_id = deals.customer_id
            and terms.due_date - {{ var('renewal_deal_days') }} <= deals.due_date
            and terms.due_date + {{ var('renewal_deal_days') }} >= deals.due_date
    qualify
        row_number() over (
            partition by terms.renewal_id
            order by days_apart, deals.source, deals.source_opportunity_id
        ) = 1
        and row_number() over (
            partition by deals.source, deals.source_opportunity_id
            order by days_apart, terms.renewal_id
        ) = 1

),

billed as (

    select
        terms.* exclude (source_customer_id, first_paid_date, outcome, renewed_date, lost_date),
        deals.source as deal_source,
        deals.source_opportunity_id,
        deals.stage,
        deals.owner_name,
        case
            when succeeded.renewal_id is not null or terms.outcome = 'renewed' then 'renewed'
            when terms.outcome in ('due', 'pending') and deals.state = 'lost' then 'lost'
            when terms.outcome = 'due' and deals.state = 'won' then 'renewed'
            else terms.outcome
        end as outcome,
        case
            when succeeded.renewal_id is not null then succeeded.renewed_date
            when terms.outcome in ('renewed', 'due') and deals.state = 'won' then deals.close_date
            else terms.renewed_date
        end as renewed_date,
        if(terms.outcome in ('due', 'pending'), deals.close_date, terms.lost_date) as lost_date,
        case
            when succeeded.renewal_id is not null then succeeded.renewed_amount
            when terms.outcome = 'renewed'
                then {{ yearly_money('continued.whole_mrr - continued.upsell_mrr', 'terms.currency') }}
            when deals.currency = terms.currency then coalesce(deals.amount, terms.due_amount)
            else terms.due_amount
        end as renewed_amount,
        case
            when terms.outcome = 'renewed' then {{ yearly_money('continued.upsell_mrr', 'terms.currency') }}
            else 0
        end as upsell_amount
    from terms
    left join continued
        on terms.renewal_id = continued.renewal_id
    left join succeeded
        on terms.renewal_id = succeeded.renewal_id
    left join matches
        on terms.renewal_id = matches.renewal_id
    left join deals
        on
            matches.deal_source = deals.source
            and matches.source_opportunity_id = deals.source_opportunity_id

),

-- Who has no term in billing has renewals in the CRM alone.
unbilled as (

    select
        concat_ws('/', deals.source, deals.source_opportunity_id) as renewal_id,
        deals.customer_id,
        deals.source,
        deals.source as deal_source,
        deals.source_opportunity_id,
        deals.stage,
        deals.owner_name,
        deals.due_date,
        deals.currency,
        deals.due_amount,
        0 as cotermed_amount,
        case
            when deals.state = 'won' then 'renewed'
            when deals.state = 'lost' then 'lost'
            when deals.due_date > context.as_of_date then 'due'
            else 'pending'
        end as outcome,
        deals.close_date as renewed_date,
        deals.close_date as lost_date,
        coalesce(deals.amount, deals.due_amount) as renewed_amount,
        0 as upsell_amount
    from deals
    anti join terms
        on deals.customer_id = terms.customer_id
    cross join context
    where deals.due_amount > 0

),

renewals as (

    select
        *,
        'billing' as known_by
    from billed
    union all by name
    select
        *,
        'crm' as known_by
    from unbilled

),

currencies as (

    select
        coalesce(
            (select min(rates.reporting_currency) from rates),
            max(context.reporting_currency),
            case when min(renewals.currency) = max(renewals.currency) then min(renewals.currency) end
        ) as reporting_currency
    from renewals
    cross join context

),

-- Both sides at the plan rate of the month in which it falls due, or the last known one.
valued as (

    select
        renewals.* exclude (renewed_date, lost_date, renewed_amount, upsell_amount),
        case when renewals.outcome = 'renewed' then renewals.renewed_date end as renewed_date,
        case when renewals.outcome = 'lost' then renewals.lost_date end as lost_date,
        case when renewals.outcome = 'renewed' then renewals.renewed_amount else 0 end as renewed_amount,
        case when renewals.outcome = 'renewed' then renewals.upsell_amount else 0 end as upsell_amount,
        currencies.reporting_currency,
        coalesce(rates.rate, case when renewals.currency = currencies.reporting_currency then 1 end) as rate
    from renewals
    cross join currencies
    asof left join rates
        on
            renewals.currency = rates.currency
            and renewals.due_date >= rates.rate_month

)

select
    valued.renewal_id,
    valued.customer_id,
    valued.known_by,
    valued.source,
    valued.source_subscription_id,
    valued.deal_source,
    valued.source_opportunity_id as deal_id,
    valued.plan,
    profiles.segment,
    coalesce(valued.owner_name, profiles.owner_name) as owner_name,
    valued.stage as deal_stage,
    valued.term_months,
    valued.is_auto_renewing,
    coalesce(valued.is_canceling, false) as is_canceling,
    valued.due_date,
    cast(date_trunc('month', valued.due_date) as date) as due_month,
    case
        when valued.outcome <> 'renewed' then valued.outcome
        when valued.renewed_date < valued.due_date - {{ on_time_days }} then 'early'
        when valued.renewed_date > valued.due_date + {{ on_time_days }} then 'late'
        else 'renewed'
    end as state,
    valued.renewed_date,
    valued.lost_date,
    valued.currency,
    {{ money('valued.due_amount') }} as due_amount,
    {{ money('valued.cotermed_amount') }} as cotermed_amount,
    {{ money('valued.renewed_amount') }} as renewed_amount,
    {{ money('valued.upsell_amount') }} as upsell_amount,
    case when valued.rate is not null then valued.reporting_currency end as reporting_currency,
    {{ money_at_rate('valued.due_amount', 'valued.rate') }} as reporting_due_amount,
    {{ money_at_rate('valued.renewed_amount', 'valued.rate') }} as reporting_renewed_amount,
    {{ money_at_rate('least(valued.renewed_amount, valued.due_amount)', 'valued.rate') }} as reporting_kept_amount,
    {{ money_at_rate('valued.upsell_amount', 'valued.rate') }} as reporting_upsell_amount
from valued
left join {{ ref('int_customers__profiles') }} as profiles
    on valued.customer_id = profiles.customer_id
