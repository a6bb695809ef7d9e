{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='past_customer_id',
        on_schema_change='fail'
    )
}}
{%- set inputs = ref('int_revenue__subscription_inputs') -%}
{%- set changed = ref('int_revenue__changed_customers') -%}
{%- set parts = ['seats', 'price', 'plan', 'usage', 'added', 'removed'] -%}
-- MRR that a customer gains or loses on a day by a subscription. What moves from one id to another with a record is
-- scope.
with spells as (

    select
        source,
        source_record_id as source_customer_id,
        durable_id as past_customer_id,
        valid_from_date,
        -- Today's id is the last, unless the record is gone.
        last_value(if(valid_to_date is null, durable_id, null)) over (
            record_history rows between unbounded preceding and unbounded following
        ) as customer_id,
        last_value(durable_id) over (
            record_history rows between unbounded preceding and unbounded following
        ) as followed_customer_id,
        row_number() over record_history as spell_number,
        lead(valid_from_date) over record_history as next_from_date
    from {{ ref('int_customers__id_spells') }}
    where entity = 'customer' and list_kind = 'customer'
    window
        record_history as (
            partition by source, source_record_id
            order by valid_from_date
        )

),

{% if is_incremental() %}
    customers as (

        select
            source,
            source_subscription_id,
            unnest(customer_ids) as customer_id
        from {{ inputs }}

    ),

    -- All that changed customers ever had, to tell what they have.
    changed_subscriptions as (

        select distinct
            customers.source,
            customers.source_subscription_id
        from customers
        inner join {{ changed }} as changed
            on customers.customer_id = changed.customer_id

    ),
{% endif %}

-- A record had its first id before anybody knew it, and keeps its last.
owners as (

    select
        source,
        source_customer_id,
        past_customer_id,
        customer_id,
        followed_customer_id,
        case when spell_number = 1 then date '0001-01-01' else valid_from_date end as from_date,
        coalesce(next_from_date, date '9999-12-31') as to_date
    from spells

),

subscription_days as (

    select *
    from {{ ref('int_revenue__subscription_days') }}
    {% if is_incremental() %}
        where (source, source_subscription_id) in (
                select (source, source_subscription_id)
                from changed_subscriptions
            )
    {% endif %}

),

owned as (

    select
        subscription_days.*,
        owners.past_customer_id,
        owners.customer_id,
        owners.followed_customer_id,
        greatest(subscription_days.change_date, owners.from_date) as effective_date,
        owners.from_date > subscription_days.change_date as is_handover
    from subscription_days
    inner join owners
        on
            subscription_days.source = owners.source
            and subscription_days.source_customer_id = owners.source_customer_id
            and subscription_days.change_date < owners.to_date
            and subscription_days.next_date > owners.from_date

),

-- All that a subscription ever brought is followed under who has it last, as known today.
followed as (

    select
        * replace (
            last_value(customer_id) over (
                subscription_history rows between unbounded preceding and unbounded following
            ) as customer_id,
            last_value(followed_customer_id) over (
                subscription_history rows between unbounded preceding and unbounded following
            ) as followed_customer_id
        ),
        lag(past_customer_id) over subscription_history as past_customer_before,
        lag(mrr_amount, 1, cast(0 as decimal(18, 4))) over subscription_history as mrr_before,
        lag(discount_rate, 1, 0) over subscription_history as rate_before,
        lag(is_alive, 1, false) over subscription_history as was_alive
    from owned
    window
        subscription_history as (
            partition by source, source_subscription_id
            order by effective_date
        )

),

changes as (

    select
        source,
        source_subscription_id,
        past_customer_id,
        customer_id,
        followed_customer_id,
        currency,
        effective_date,
        mrr_amount - mrr_before as mrr_change,
        if(past_customer_before <> past_customer_id, mrr_before, 0) as scope_change,
        {%- for part in parts %}
            if(is_handover, 0, {{ money(part ~ '_change * (1 - rate_before)') }}) as {{ part }}_change,
        {%- endfor %}
        cast(is_alive as integer)
        - cast(was_alive and past_customer_before = past_customer_id as integer) as alive_change,
        mrr_amount <> mrr_before or is_alive <> was_alive as is_another,
        is_another
        and (is_given_up or cancellation_reason in ('payment_failed', 'payment_disputed')) as is_involuntary,
        is_another and cancellation_reason = 'cancellation_requested' as is_voluntary,
        cancel_requested_date,
        load_id
    from followed
    union all by name
    select
        source,
        source_subscription_id,
        past_customer_before as past_customer_id,
        customer_id,
        followed_customer_id,
        currency,
        effective_date,
        -mrr_before as scope_change,
        -cast(was_alive as integer) as alive_change,
        load_id
    from followed
    where past_customer_before <> past_customer_id

),

policy as (

    select *
    from {{ ref('int_revenue__policies') }}
    where is_active

),

-- A customer has nothing any more, or something again, over all currencies.
customer_dates as (

    select
        past_customer_id,
        effective_date as change_date,
        sum(mrr_change) as mrr_change,
        sum(coalesce(mrr_change, 0) + scope_change) as whole_change
    from changes
    group by past_customer_id, effective_date
    having sum(mrr_change) <> 0 or sum(scope_change) <> 0

),

dates as (

    select
        *,
        sum(whole_change) over customer_history as mrr_after,
        lead(change_date) over customer_history as next_date,
        date_trunc('month', min(change_date) over (partition by past_customer_id)) as first_month
    from customer_dates
    window customer_history as (partition by past_customer_id order by change_date)

),

-- Nothing for no longer than the days of grace is a gap in the bills: what comes after it is compared with before.
gaps as (

    select
        dates.past_customer_id,
        dates.change_date,
        dates.next_date
    from dates
    cross join policy
    where
        policy.grace_days > 0
        and dates.mrr_after = 0
        and dates.mrr_change < 0
        and dates.next_date - dates.change_date <= policy.grace_days

),

short_stays as (

    select
        dates.past_customer_id,
        dates.first_month
    from dates
    cross join policy
    where policy.same_month = 'ignore' and date_trunc('month', dates.change_date) = dates.first_month
    group by dates.past_customer_id, dates.first_month
    having max_by(dates.mrr_after, dates.change_date) = 0 and sum(dates.mrr_change) = 0

),

-- Who came for the first time and was lost in one month was, under such a policy, never there.
counted as (

    select
        changes.* replace (
            {%- for part in ['mrr'] + parts %}
                if(short_stays.past_customer_id is null, changes.{{ part }}_change, 0) as {{ part }}_change
                {{- ',' if not loop.last }}
            {%- endfor %}
        )
    from changes
    left join short_stays
        on
            changes.past_customer_id = short_stays.past_customer_id
            and date_trunc('month', changes.effective_date) = short_stays.first_month

)

select
    counted.source,
    counted.source_subscription_id,
    counted.past_customer_id,
    counted.customer_id,
    counted.followed_customer_id,
    counted.currency,
    counted.effective_date,
    coalesce(gaps.next_date, counted.effective_date) as change_date,
    {{ money('coalesce(counted.mrr_change, 0)') }} as mrr_change,
    {{ money('counted.scope_change') }} as scope_change,
    {%- for part in parts %}
        {{ money('coalesce(counted.' ~ part ~ '_change, 0)') }} as {{ part }}_change,
    {%- endfor %}
    counted.alive_change,
    coalesce(counted.is_involuntary, false) as is_involuntary,
    coalesce(counted.is_voluntary, false) as is_voluntary,
    counted.cancel_requested_date,
    counted.load_id
from counted
left join gaps
    on
        counted.past_customer_id = gaps.past_customer_id
        and counted.effective_date = gaps.change_date
{{ of_changed('counted.past_customer_id') }}
