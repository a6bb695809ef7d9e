with written as (

    select
        *,
        try_cast(is_active as boolean) as is_active_flag,
        try_cast(dunning_days as integer) as dunning_number,
        try_cast(grace_days as integer) as grace_number,
        try_cast(usage_months as integer) as usage_number,
        row_number() over (partition by policy order by is_active) as policy_number,
        count(*) filter (where try_cast(is_active as boolean)) over () as active_count,
        concat_ws(
            ',', policy, is_active, churn_recognition, coalesce(dunning_days, ''), unpaid, grace_days, trials, pauses,
            free, discounts, same_month, usage_months, time_zone
        ) as row_text,
        concat_ws(
            ',', churn_recognition, coalesce(dunning_days, ''), unpaid, grace_days, trials, pauses, free, discounts,
            same_month, usage_months, time_zone
        ) as rules_text
    from {{ ref('revenue_policies') }}

),

zones as (

    select name as time_zone
    from pg_timezone_names()

),

judged as (

    select
        written.*,
        case
            when policy is null then 'no name'
            when policy_number > 1 then 'a name that another row has'
            when is_active_flag is null then 'an is_active that is neither true nor false'
            when active_count = 0 or (active_count > 1 and is_active_flag)
                then 'is_active ' || is_active || ', but ' || active_count || ' rows are active; exactly one must be'
            when coalesce(churn_recognition, '') not in ('service_end', 'cancel_request', 'payment_failure_final')
                then 'an unknown churn_recognition; there are service_end, cancel_request and payment_failure_final'
            when not regexp_full_match(dunning_days, '\d+')
                then 'dunning_days that are no number of days; leave them empty to count until billing ends it'
            when coalesce(unpaid, '') not in ('churn', 'count') then 'an unknown unpaid; there are churn and count'
            when coalesce(not regexp_full_match(grace_days, '\d+'), true) then 'grace_days that are no number of days'
            when coalesce(trials, '') not in ('exclude', 'count') then 'unknown trials; there are exclude and count'
            when coalesce(pauses, '') not in ('count', 'suspend', 'count_collection')
                then 'unknown pauses; there are count, suspend and count_collection'
            when coalesce(free, '') not in ('keep', 'churn') then 'an unknown free; there are keep and churn'
            when coalesce(discounts, '') not in ('recurring', 'forever', 'forever_and_once', 'all', 'none')
                then 'unknown discounts; there are recurring, forever, forever_and_once, all and none'
            when coalesce(same_month, '') not in ('keep', 'ignore')
                then 'an unknown same_month; there are keep and ignore'
            when coalesce(not regexp_full_match(usage_months, '\d+'), true)
                then 'usage_months that are no number of months; write 0 where use counts for nothing'
            when zones.time_zone is null then 'an unknown time_zone; write it as in Europe/Berlin'
        end as mistake
    from written
    left join zones using (time_zone)

)

select
    policy,
    case
        when mistake is null then is_active_flag
        else error('revenue_policies.csv: the row "' || row_text || '" has ' || mistake || '.')
    end as is_active,
    churn_recognition,
    dunning_number as dunning_days,
    unpaid,
    grace_number as grace_days,
    trials,
    pauses,
    free,
    discounts,
    same_month,
    usage_number as usage_months,
    time_zone,
    left(md5(rules_text || ',' || '{{ var('billing_intervals_a_year') | tojson }}'), 8) as policy_version
from judged
